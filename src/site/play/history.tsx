/** What has happened: rounds with both players' moves and payoffs; after the end also what the other player saw and wrote. */
import type { Game, RoundOutcome, Seat } from "../../games/index.ts";
import { SEATS } from "../../games/index.ts";
import { payoff } from "../format.ts";
import type { Step } from "./table.ts";

interface Props {
  readonly game: Game;
  readonly steps: readonly Step[];
  readonly outcomes: readonly RoundOutcome[];
  /** Whether the game is over, so that nothing is private any more. */
  readonly open: boolean;
}

const NAMES: Readonly<Record<Seat, string>> = { 0: "You", 1: "They" };

/** The last line of what a seat was told before it moved: its own information and the question. */
export const lastLine = (game: Game, view: unknown): string => game.observation(view).split("\n").at(-1) ?? "";

export function History({ game, steps, outcomes, open }: Props) {
  const rounds = [...new Set(steps.map(({ round }) => round))];
  const total = (seat: Seat) => outcomes.reduce((sum, { payoffs }) => sum + payoffs[seat], 0);
  return (
    <table class="history">
      <caption>
        History <span class="quiet">payoffs in {game.facts.unit}</span>
      </caption>
      <thead>
        <tr>
          <th scope="col">Round</th>
          <th scope="col">Moves</th>
          <th scope="col" class="number you">
            You
          </th>
          <th scope="col" class="number they">
            They
          </th>
        </tr>
      </thead>
      <tbody>
        {rounds.map((round) => (
          <tr key={round}>
            <th scope="row">{round + 1}</th>
            <td>
              {steps
                .filter((step) => step.round === round)
                .map((step, i) => (
                  <Moves key={i} game={game} step={step} open={open} />
                ))}
            </td>
            {SEATS.map((seat) => (
              <td key={seat} class="number">
                {outcomes[round] === undefined ? "" : payoff(outcomes[round].payoffs[seat])}
              </td>
            ))}
          </tr>
        ))}
        {rounds.length === 0 && (
          <tr>
            <td colSpan={4} class="quiet">
              Nothing yet.
            </td>
          </tr>
        )}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colSpan={2}>
            Total
          </th>
          {SEATS.map((seat) => (
            <td key={seat} class="number">
              {payoff(total(seat))}
            </td>
          ))}
        </tr>
      </tfoot>
    </table>
  );
}

function Moves({ game, step, open }: { readonly game: Game; readonly step: Step; readonly open: boolean }) {
  const theirs = step.moves[1];
  return (
    <div class="step">
      {SEATS.map((seat) => {
        const move = step.moves[seat];
        return move === undefined ? null : (
          <span key={seat} class={seat === 0 ? "you" : "they"}>
            {NAMES[seat]} <b>{move}</b>
          </span>
        );
      })}
      {open && theirs !== undefined && (game.facts.privateInformation || step.reply !== undefined) && (
        <p class="seen">
          {game.facts.privateInformation && (
            <>
              They saw <q>{lastLine(game, step.views[1])}</q>{" "}
            </>
          )}
          {step.reply !== undefined && (
            <>
              They wrote <q>{step.reply.replaceAll("\n", " ")}</q>
            </>
          )}
        </p>
      )}
    </div>
  );
}
