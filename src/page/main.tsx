/** The page: a report in a file, or a view of runs that a server follows. */
import { render } from "preact";
import { App } from "./app.tsx";
import { openSource } from "./source.ts";
import css from "./styles.css?inline";
import { themeSheet } from "./theme.ts";

const style = document.createElement("style");
style.textContent = themeSheet() + css;
document.head.append(style);
const root = document.querySelector("#app");
try {
  if (root !== null) render(<App source={openSource()} />, root);
} catch (error) {
  if (root !== null)
    render(<p class="waiting">{error instanceof Error ? error.message : "The page cannot be drawn."}</p>, root);
}
