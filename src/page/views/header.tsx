/** What is shown and how it was made, in a line. */
import { useState } from "preact/hooks";
import type { ViewData } from "../../report/view/data.ts";

const THEMES = ["system", "light", "dark"] as const;

export function Header({
  data,
  live,
  connected,
}: {
  readonly data: ViewData;
  readonly live: boolean;
  readonly connected: boolean;
}) {
  const play = document.querySelector<HTMLMetaElement>('meta[name="sepo-play"]')?.content;
  const [theme, setTheme] = useState(0);
  const next = () => {
    const index = (theme + 1) % THEMES.length;
    setTheme(index);
    if (index === 0) delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = THEMES[index];
  };
  return (
    <header>
      <p class="kind">
        sepo {live ? "view" : "report"}
        {live && <span class={connected ? "state on" : "state"}>{connected ? "following" : "server gone"}</span>}
      </p>
      {play !== undefined && (
        <p class="elsewhere">
          <a href={play}>Play and train in a tab</a>
        </p>
      )}
      <h1>{data.runs.map(({ name }) => name).join(", ") || "No run"}</h1>
      <button type="button" class="theme" onClick={next} aria-label={`Colours: ${THEMES[theme]}; change`}>
        {THEMES[theme]} colours
      </button>
    </header>
  );
}
