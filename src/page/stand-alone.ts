/** A picture as a file of its own: with its name space, a background, a title and colours in place of their names. */
import { COLOURS, withValues } from "./theme.ts";

const FONT = "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'Liberation Sans', Arial, sans-serif";
const MARGIN = 16;

export function standAlone(picture: SVGSVGElement, title: string, side: "light" | "dark" = "light"): string {
  const [width, height] = ["width", "height"].map((name) => Number(picture.getAttribute(name)));
  const inner = withValues(picture.outerHTML, side)
    .replaceAll("font-family: inherit;", "")
    .replaceAll("currentColor", COLOURS.ink[side === "light" ? 0 : 1])
    .replaceAll(/ (?:class|aria-label)="[^"]*"/g, "")
    .replaceAll("&nbsp;", "\u00A0");
  const background = COLOURS.paper[side === "light" ? 0 : 1];
  const [w, h] = [width + 2 * MARGIN, height + 2 * MARGIN];
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${w}" height="${h}" ` +
    `viewBox="${-MARGIN} ${-MARGIN} ${w} ${h}" font-family="${FONT}" role="img">` +
    `<title>${title.replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</title>` +
    `<rect x="${-MARGIN}" y="${-MARGIN}" width="${w}" height="${h}" fill="${background}"/>${inner}</svg>\n`
  );
}
