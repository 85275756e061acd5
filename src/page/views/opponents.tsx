/** Whom it does well against: the heat map, with a choice of the measure. A cell leads to its episodes. */
import { useMemo } from "preact/hooks";
import type { ViewData, ViewGame } from "../../report/view/data.ts";
import { MEASURES } from "../../report/view/quantities.ts";
import { agentsIn } from "../charts/format.ts";
import { opponentChart } from "../charts/opponents.ts";
import type { usePlace } from "../place.ts";
import { ChartView } from "./chart-view.tsx";

interface Props {
  readonly data: ViewData;
  readonly game: ViewGame;
  readonly measure: string;
  readonly go: ReturnType<typeof usePlace>[1];
  readonly link: Parameters<typeof opponentChart>[3];
}

export function OpponentsView({ data, game, measure, go, link }: Props) {
  const present = MEASURES.filter(({ name }) =>
    agentsIn(data, game.name).some(({ own }) => own.opponents.some(({ values }) => values[name] !== undefined)),
  );
  const chosen = present.find(({ name }) => name === measure) ?? present[0];
  const hasEpisodes = data.episodes.some((episode) => episode.game === game.name);
  const chart = useMemo(
    () => chosen && opponentChart(data, game, chosen.name, hasEpisodes ? link : undefined),
    [data, game, chosen, hasEpisodes],
  );
  if (chart === undefined) return null;
  return (
    <section id="opponents">
      <h2>Against whom?</h2>
      <div class="choice" role="group" aria-label="Measure">
        {present.map(({ name, title }) => (
          <button key={name} type="button" aria-pressed={name === chosen?.name} onClick={() => go({ measure: name })}>
            {title}
          </button>
        ))}
      </div>
      <ChartView chart={chart} />
    </section>
  );
}
