/** The site: two pages in one, by the part of the address after #. */
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { loadSmallModel, type NamedModel } from "./models.ts";
import { Play } from "./play/play.tsx";
import { Train } from "./train/train.tsx";

const PAGES = ["play", "train"] as const;
type Page = (typeof PAGES)[number];

const pageNow = (): Page => PAGES.find((page) => location.hash.startsWith(`#${page}`)) ?? "play";

/** `?steps=2&examples=200` makes lessons shorter, for tests and for the impatient. */
function shorter(): Record<string, number> {
  const known = ["examples", "epochs", "steps", "scenarios", "groupSize"];
  return Object.fromEntries(
    [...new URLSearchParams(location.search)].flatMap(([name, value]) =>
      known.includes(name) && Number(value) > 0 ? [[name, Math.trunc(Number(value))] as const] : [],
    ),
  );
}

function Site() {
  const [page, setPage] = useState(pageNow);
  const [models, setModels] = useState<readonly NamedModel[]>([]);
  const [problem, setProblem] = useState<string>();
  const add = (model: NamedModel) => setModels((known) => [...known, model]);
  useEffect(() => {
    const listen = () => setPage(pageNow());
    window.addEventListener("hashchange", listen);
    loadSmallModel().then(add, (error: unknown) => setProblem(String(error)));
    return () => window.removeEventListener("hashchange", listen);
  }, []);
  return (
    <>
      <header>
        <h1>
          sepo <span class="quiet">play well without being exploited, colluding or pushing costs onto others</span>
        </h1>
        <nav aria-label="Pages">
          {PAGES.map((each) => (
            <a key={each} href={`#${each}`} aria-current={page === each ? "page" : undefined}>
              {each === "play" ? "Play" : "Train"}
            </a>
          ))}
        </nav>
      </header>
      <main>
        {problem !== undefined && <p class="problem">{problem}</p>}
        <div hidden={page !== "play"}>
          <Play models={models} onModel={add} />
        </div>
        <div hidden={page !== "train"}>
          <Train
            shorter={shorter()}
            onModel={(model) => {
              add(model);
              location.hash = "play";
            }}
          />
        </div>
      </main>
      <footer class="quiet">Everything runs in this tab; no request leaves it.</footer>
    </>
  );
}

render(<Site />, document.querySelector("#app")!);
