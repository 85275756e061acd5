/** One episode, decision by decision: what the agent saw, wrote and did, and what it could have done. */
import { useEffect, useMemo, useState } from "preact/hooks";
import type { EpisodeBody, ListedEpisode, ViewData, ViewGame } from "../../report/view/data.ts";
import { AIMS } from "../../report/view/quantities.ts";
import { shownValue } from "../charts/format.ts";
import { placeOf, type usePlace } from "../place.ts";
import { SeatView } from "./seats.tsx";

type Decision = EpisodeBody["decisions"][number];

interface Props {
  readonly data: ViewData;
  readonly game: ViewGame;
  readonly episode: ListedEpisode;
  readonly body: EpisodeBody;
  readonly decision: number;
  readonly go: ReturnType<typeof usePlace>[1];
  /** Opens a neighbouring episode. */
  readonly move: (by: number) => void;
}

export function Replay({ data, game, episode, body, decision, go, move }: Props) {
  const { decisions, rounds, views } = body;
  const [both, setBoth] = useState(false);
  const at = Math.min(Math.max(0, Number.isFinite(decision) ? decision : 0), decisions.length - 1);
  /** From where the address is now: keys may come faster than the page is drawn. */
  const step = (by: number): void => {
    const now = Number(placeOf(location.hash).decision ?? 0);
    go({ decision: String(Math.min(Math.max(0, now + by), decisions.length - 1)) });
  };
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const act = {
        ArrowLeft: () => step(-1),
        ArrowRight: () => step(1),
        ArrowUp: () => move(-1),
        ArrowDown: () => move(1),
        p: () => setBoth((on) => !on),
      }[event.key];
      if (act === undefined || !isHere(event.target, event.key)) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  });
  const current = decisions[at];
  return (
    <article class="replay">
      <h3>
        {episode.agent} against {episode.opponent} <small>{episode.pool}</small>
      </h3>
      <p class="sum">
        {shownValue(episode.r, 2)} {game.unit} per round, the opponent {shownValue(episode.q, 2)}; collusion{" "}
        {shownValue(episode.c, 2)}, externality {shownValue(episode.x, 2)}; {episode.unreadable} of {episode.decisions} replies
        unreadable
        {episode.lost !== undefined && `; gave up ${shownValue(episode.lost, 2)} (${AIMS[episode.pool]})`}.
      </p>
      <Strip body={body} at={at} choose={(index) => go({ decision: String(index) })} />
      <div class="steps">
        <button type="button" onClick={() => step(-1)} disabled={at === 0}>
          ← decision
        </button>
        <button type="button" onClick={() => step(1)} disabled={at === decisions.length - 1}>
          decision →
        </button>
        <button type="button" onClick={() => move(-1)}>
          ↑ episode before
        </button>
        <button type="button" onClick={() => move(1)}>
          next episode ↓
        </button>
        <button type="button" aria-pressed={both} onClick={() => setBoth(!both)}>
          both seats
        </button>
      </div>
      {current !== undefined && <DecisionView data={data} game={game} episode={episode} decision={current} rounds={rounds} />}
      {both && (
        <section class="seats" aria-label="Both seats' private information">
          {views.map((view, seat) => (
            <SeatView
              key={seat}
              title={seat === 0 ? "What the agent knew at the end" : "What the opponent knew at the end"}
              view={view}
            />
          ))}
        </section>
      )}
      <details class="rules">
        <summary>Rules that the agent was given</summary>
        <p>{body.rules}</p>
      </details>
    </article>
  );
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName) || target.isContentEditable);

/** Arrows up and down belong to the page unless the reader is among the episodes. */
const isHere = (target: EventTarget | null, key: string): boolean =>
  !["ArrowUp", "ArrowDown"].includes(key) || (target instanceof Element && target.closest("#episodes") !== null);

const lostOf = ({ worth, action }: Decision): number => {
  if (worth === undefined) return 0;
  const best = Math.max(...worth.map(({ value }) => value));
  return best - (worth.find((one) => one.action === action)?.value ?? best);
};

/** Below this a decision gave up nothing that a reader could see. */
const NOTHING = 0.005;

/** All decisions in order, by round, with the payoff of each round. */
function Strip({
  body: { decisions, rounds },
  at,
  choose,
}: {
  readonly body: EpisodeBody;
  readonly at: number;
  readonly choose: (index: number) => void;
}) {
  const groups = rounds.map((round, i) => ({
    round,
    number: i + 1,
    own: decisions.map((decision, index) => ({ decision, index })).filter(({ decision }) => decision.round === i + 1),
  }));
  return (
    <ol class="strip">
      {groups.map(({ round, number, own }) => (
        <li key={number}>
          <span class="round">
            {number} <small>{signed(round.r)}</small>
          </span>
          {own.map(({ decision, index }) => (
            <button
              key={index}
              type="button"
              aria-current={index === at ? "step" : undefined}
              class={`${decision.status === "ok" ? "" : "failed"} ${lostOf(decision) > NOTHING ? "lossy" : ""}`}
              onClick={() => choose(index)}
              title={decision.status === "ok" ? decision.action : `${decision.action}, after a reply that could not be read`}
            >
              {decision.action}
              {decision.status !== "ok" && " ?"}
            </button>
          ))}
        </li>
      ))}
    </ol>
  );
}

const signed = (value: number): string => (value > 0 ? `+${shortened(value)}` : shortened(value));
const shortened = (value: number): string => String(Number(value.toFixed(2)));

interface DecisionProps extends Pick<Props, "data" | "game" | "episode"> {
  readonly decision: Decision;
  readonly rounds: EpisodeBody["rounds"];
}

function DecisionView({ data, game, episode, decision, rounds }: DecisionProps) {
  const { round, observation, reply, logprob, reasoning, clarified, status, cause, reason, resolved, action } = decision;
  const before = rounds.slice(0, round - 1).reduce((sum, { r, q }) => ({ r: sum.r + r, q: sum.q + q }), { r: 0, q: 0 });
  const options = useMemo(() => optionsOf(data, game, episode, decision), [data, game, episode, decision]);
  const lost = lostOf(decision);
  return (
    <div class="decision">
      <div>
        <h4>What it saw in round {round}</h4>
        <pre>{observation}</pre>
        {reasoning !== undefined && (
          <>
            <h4>What it reasoned</h4>
            <pre>{reasoning}</pre>
          </>
        )}
        {reply !== undefined && (
          <>
            <h4>What it wrote {logprob !== undefined && <small>log-probability {shownValue(logprob, 2)} nats</small>}</h4>
            <pre>{reply === "" ? "(nothing)" : reply}</pre>
          </>
        )}
        {clarified !== undefined && (
          <>
            <h4>Its second reply</h4>
            <pre>{clarified}</pre>
          </>
        )}
        <h4>How it was read</h4>
        <p class={status === "ok" ? "read" : "notice"}>
          {status === "ok"
            ? `As ${action}.`
            : `Unreadable (${cause ?? status}): ${reason ?? "no reason is kept"}. ${action} was played${resolved === undefined ? "" : ` (${resolved})`}.`}
        </p>
      </div>
      <div>
        <h4>What it could do</h4>
        <table class="options">
          <thead>
            <tr>
              <th scope="col">action</th>
              {options.some(({ probability }) => probability !== undefined) && <th scope="col">probability</th>}
              {options.some(({ reference }) => reference !== undefined) && <th scope="col">{game.reference}</th>}
              {options.some(({ worth }) => worth !== undefined) && <th scope="col">worth</th>}
            </tr>
          </thead>
          <tbody>
            {options.map(({ name, probability, reference, worth, best }) => (
              <tr key={name} class={name === action ? "chosen" : ""}>
                <th scope="row">
                  {name}
                  {name === action && <small> played</small>}
                  {best && <small> best reply</small>}
                </th>
                {probability !== undefined && (
                  <td>
                    <span class="bar" style={{ width: `${(100 * probability).toFixed(1)}%` }} />
                    <span class="number">{shownValue(probability, 2)}</span>
                  </td>
                )}
                {reference !== undefined && <td class="number">{shownValue(reference, 2)}</td>}
                {worth !== undefined && <td class="number">{shownValue(worth, 2)}</td>}
              </tr>
            ))}
          </tbody>
        </table>
        <p class="note">
          Probability: measured at this information key ({decision.key ?? "unknown"}), averaged over positions. Worth:{" "}
          {AIMS[episode.pool]}, expected from here to the end with best replies to this opponent after the action.
          {lost > NOTHING && ` ${action} gave up ${shownValue(lost, 2)}.`}
        </p>
        <h4>Payoff before round {round}</h4>
        <p class="read">
          agent {shownValue(before.r, 2)}, opponent {shownValue(before.q, 2)} {game.unit}
        </p>
      </div>
    </div>
  );
}

interface Option {
  readonly name: string;
  readonly probability: number | undefined;
  readonly reference: number | undefined;
  readonly worth: number | undefined;
  readonly best: boolean;
}

/** Legal actions with what was measured of the agent and what theory says. */
function optionsOf(data: ViewData, game: ViewGame, episode: ListedEpisode, { key, worth, action }: Decision): Option[] {
  const rows = data.agents
    .find(({ label }) => label === episode.agent)
    ?.games.find((own) => own.game === game.name)
    ?.actionTable.find((row) => row.key === key)?.actions;
  const names = worth?.map((one) => one.action) ?? rows?.map((one) => one.action) ?? [action];
  const most = Math.max(...(worth ?? []).map(({ value }) => value));
  return names.map((name) => {
    const row = rows?.find((one) => one.action === name);
    const value = worth?.find((one) => one.action === name)?.value;
    return {
      name,
      probability: row?.probability.value,
      reference: row?.reference,
      worth: value,
      best: value !== undefined && value > most - 1e-9,
    };
  });
}
