/** Play any game against any scripted policy, or against a trained model. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { GAME_NAMES, type Game, type GameName } from "../../games/index.ts";
import { POOLS, type Pool, policyNamed, rosterOf } from "../../opponents/index.ts";
import type { Player } from "../../play/player.ts";
import { playable } from "../../play/packed-model.ts";
import { modelPlayer } from "../../play/players/model.ts";
import { scriptedPlayer } from "../../play/players/scripted.ts";
import { payoff } from "../format.ts";
import { type NamedModel, openModelFile } from "../models.ts";
import { Actions } from "./actions.tsx";
import { BestIndex, BestReply, Review, pastOf } from "./best.tsx";
import { History, lastLine } from "./history.tsx";
import type { Adversary } from "./solver-worker.ts";
import { Table, type TableState } from "./table.ts";

/** A scripted policy as `pool/name`, or a model as `model/index`. */
type Choice = string;

const POOL_TITLES: Readonly<Record<Pool, string>> = {
  train: "Ordinary opponents",
  exploiter: "Exploiters",
  collusive: "Partners in harm",
  "held-out": "Never trained on",
};

interface Seated {
  readonly game: Game;
  readonly name: string;
  readonly description: string;
  readonly player: Player;
  readonly adversary: Adversary;
}

function seat(name: GameName, choice: Choice, models: readonly NamedModel[]): Seated {
  const roster = rosterOf(name);
  const [kind, which] = choice.split("/", 2);
  const chosen = kind === "model" ? models[Number(which)] : undefined;
  if (chosen !== undefined) {
    const player = modelPlayer(chosen.name, playable(chosen.model));
    const description = `A language model (${chosen.model.origin}); it writes a reply, whose last line is its move.`;
    return { game: roster.game, name: chosen.name, description, player, adversary: chosen.model };
  }
  const policy = policyNamed(roster, which);
  return {
    game: roster.game,
    name: policy.name,
    description: policy.description,
    player: scriptedPlayer(policy),
    adversary: policy.name,
  };
}

const firstChoice = (name: GameName): Choice => `train/${rosterOf(name).pools.train[0].name}`;

interface Props {
  readonly models: readonly NamedModel[];
  readonly onModel: (model: NamedModel) => void;
}

export function Play({ models, onModel }: Props) {
  const [name, setName] = useState<GameName>("ipd");
  const [choice, setChoice] = useState<Choice>(firstChoice("ipd"));
  const [seed, setSeed] = useState(0);
  const seated = useMemo(() => seat(name, choice, models), [name, choice]);
  return (
    <section class="play">
      <nav class="games" aria-label="Games">
        {GAME_NAMES.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === name}
            onClick={() => {
              setChoice(
                choice.startsWith("model/") && trains(models[Number(choice.slice(6))], each) ? choice : firstChoice(each),
              );
              setName(each);
            }}
          >
            {rosterOf(each).game.facts.title}
          </button>
        ))}
      </nav>
      <div class="setup">
        <label class="wide">
          Opponent
          <OpponentSelect name={name} choice={choice} models={models} onChoice={setChoice} />
        </label>
        <label>
          Seed
          <input
            type="number"
            min={0}
            max={999_999}
            value={seed}
            onChange={({ currentTarget }) =>
              setSeed(Math.min(999_999, Math.max(0, Math.trunc(Number(currentTarget.value)) || 0)))
            }
          />
        </label>
        <button type="button" onClick={() => setSeed(seed + 1)}>
          New game
        </button>
        <OpenModel onModel={onModel} />
      </div>
      <p class="quiet description">{seated.description}</p>
      <AtTable key={`${name} ${choice} ${seed}`} seated={seated} seed={seed} />
    </section>
  );
}

/** Whether a model was trained on a game as it is played here. */
const trains = (named: NamedModel | undefined, game: string): boolean =>
  named !== undefined &&
  named.model.protocol === rosterOf(game).game.facts.protocol &&
  Object.keys(named.model.games[game] ?? { another: game }).length === 0;

function OpponentSelect({
  name,
  choice,
  models,
  onChoice,
}: {
  readonly name: GameName;
  readonly choice: Choice;
  readonly models: readonly NamedModel[];
  readonly onChoice: (choice: Choice) => void;
}) {
  const { pools, experts } = rosterOf(name);
  const known = new Set(POOLS.flatMap((pool) => pools[pool].map((policy) => policy.name)));
  const groups = [
    ...POOLS.map((pool) => ({ pool, title: POOL_TITLES[pool], policies: pools[pool] })),
    {
      pool: "expert",
      title: "Experts",
      policies: experts.map(({ policy }) => policy).filter((policy) => !known.has(policy.name)),
    },
  ].filter(({ policies }) => policies.length > 0);
  const own = models.flatMap((named, i) => (trains(named, name) ? [{ value: `model/${i}`, title: named.name }] : []));
  return (
    <select value={choice} onChange={({ currentTarget }) => onChoice(currentTarget.value)}>
      {own.length > 0 && (
        <optgroup label="Trained models">
          {own.map(({ value, title }) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </optgroup>
      )}
      {groups.map(({ pool, title, policies }) => (
        <optgroup key={pool} label={title}>
          {policies.map((policy) => (
            <option key={policy.name} value={`${pool}/${policy.name}`}>
              {policy.name}
            </option>
          ))}
        </optgroup>
      ))}
    </select>
  );
}

function OpenModel({ onModel }: { readonly onModel: (model: NamedModel) => void }) {
  const [problem, setProblem] = useState<string>();
  return (
    <label class="file">
      <span>Open a model</span>
      <input
        type="file"
        accept=".safetensors"
        onChange={({ currentTarget }) => {
          const file = currentTarget.files?.[0];
          setProblem(undefined);
          if (file !== undefined)
            openModelFile(file).then(onModel, (error: unknown) =>
              setProblem(error instanceof Error ? error.message : String(error)),
            );
        }}
      />
      {problem !== undefined && <span class="problem">{problem}</span>}
    </label>
  );
}

function AtTable({ seated, seed }: { readonly seated: Seated; readonly seed: number }) {
  const { game, player, adversary, name } = seated;
  const [state, setState] = useState<TableState>({ phase: "waiting", steps: [], outcomes: [] });
  const [table, setTable] = useState<Table>();
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const opened = new Table({ game, opponent: player, seed, onChange: setState });
    setTable(opened);
    return () => opened.leave();
  }, []);
  const { phase, view, steps, outcomes } = state;
  const round = Math.min(game.facts.rounds, outcomes.length + 1);
  return (
    <div class="columns">
      <div class="card table" aria-live="polite">
        <h2>{phase === "over" ? "The end" : `Round ${round} of ${game.facts.rounds}`}</h2>
        {phase === "failed" && <p class="problem">{state.problem}</p>}
        {phase === "over" ? (
          <Ending game={game} state={state} name={name} />
        ) : (
          view !== undefined && (
            <>
              <p class="question">{phase === "choosing" ? lastLine(game, view) : `${name} is thinking\u2026`}</p>
              <Actions
                legal={game.legal(view)}
                description={game.grammar.description}
                disabled={phase !== "choosing"}
                onChoose={(action) => table?.choose(action)}
              />
              <div class="reveal">
                <button type="button" aria-expanded={shown} onClick={() => setShown(!shown)}>
                  {shown ? "Hide the best reply" : "Show the best reply"}
                </button>
                {shown && phase === "choosing" && (
                  <BestReply game={game} opponent={adversary} past={pastOf(game, steps)} view={view} />
                )}
              </div>
            </>
          )
        )}
        {phase === "over" && <Review game={game} opponent={adversary} steps={steps} />}
        <BestIndex game={game} />
        <details>
          <summary>Rules</summary>
          <p>{game.rules}</p>
        </details>
        {view !== undefined && phase !== "over" && (
          <details>
            <summary>What a language model would read here</summary>
            <pre>{game.observation(view)}</pre>
          </details>
        )}
      </div>
      <div class="card">
        <History game={game} steps={steps} outcomes={outcomes} open={phase === "over"} />
        {game.facts.privateInformation && phase !== "over" && (
          <p class="quiet">What {name} holds and thinks stays hidden until the end.</p>
        )}
      </div>
    </div>
  );
}

function Ending({
  game,
  state: { outcomes },
  name,
}: {
  readonly game: Game;
  readonly state: TableState;
  readonly name: string;
}) {
  const [own, theirs] = ([0, 1] as const).map((seat) => outcomes.reduce((sum, { payoffs }) => sum + payoffs[seat], 0));
  return (
    <p class="question">
      <span class="you">You {payoff(own)}</span>,{" "}
      <span class="they">
        {name} {payoff(theirs)}
      </span>{" "}
      <span class="quiet">{game.facts.unit}</span>
    </p>
  );
}
