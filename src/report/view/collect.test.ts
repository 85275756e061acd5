/** The data of the page: what it holds is what was measured, and what it adds is exact. */
import { cp, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { expectation } from "../../solvers/expectation.ts";
import { bestResponse, bestResponseValue } from "../../solvers/best-response.ts";
import { optimum } from "../../solvers/index.ts";
import { policyNamed, rosterOf } from "../../opponents/index.ts";
import { evaluationKey } from "../../evaluation/report.ts";
import { compareAgents } from "../../evaluation/compare.ts";
import { playAll } from "../../evaluation/episodes.ts";
import { modelPlayer } from "../../play/players/model.ts";
import { modelOf, openAgent } from "../../runs/agent.ts";
import { fileOf, readEpisodes, readReports, readRun } from "../../runs/read.ts";
import { evaluateModel } from "../../runs/model-evaluation.ts";
import { scoresFile } from "../../runs/scores.ts";
import { openModel } from "../../models/providers.ts";
import { chatServer, completion } from "../../models/testing/server.ts";
import { seedsTables } from "../seeds.ts";
import { type Collected, collect } from "./collect.ts";
import { viewDataSchema } from "./data.ts";
import { figureSvg } from "./figure.ts";
import { KNOWN_OPTIMA, theoryOf } from "./games.ts";
import { FIGURES } from "./quantities.ts";
import { reportPage } from "./html.ts";
import { lostBy, rewardOf, tracer } from "./replay.ts";
import { smallRun } from "./testing/small-run.ts";

let folder: string;
let collected: Collected;
beforeAll(async () => {
  folder = await smallRun("run");
  collected = await collect([folder]);
}, 60_000);
afterAll(() => rm(dirname(folder), { recursive: true, force: true }));

describe("the data of a run", () => {
  test("is what its schema says, and passes through JSON unchanged", () => {
    const text = JSON.stringify(collected.data);
    expect(JSON.parse(JSON.stringify(viewDataSchema.parse(JSON.parse(text))))).toEqual(JSON.parse(text));
  });

  test("holds the values of the reports as they are", async () => {
    for (const { report } of await readReports(folder))
      for (const { game, objective, worstCase } of report.games) {
        const own = collected.data.agents.find(({ label }) => label === report.agent)?.games.find((one) => one.game === game);
        expect(own?.quantities.safetyIndex).toMatchObject({
          value: objective.safetyIndex.value,
          low: objective.safetyIndex.low,
        });
        expect(own?.quantities.worstCase?.value).toBe(worstCase?.advantage.value);
      }
  });

  test("pairs each stage with the one before, as sepo compare does by playing again", async () => {
    const agents = await Promise.all(["sepo", "sft"].map((stage) => openAgent(fileOf.checkpoint(folder, stage), {})));
    const [first, second] = agents.map((agent, i) => ({
      name: ["sepo", "sft"][i],
      rosters: [rosterOf("ipd"), rosterOf("kuhn")],
      measure: async (
        roster: ReturnType<typeof rosterOf>,
        key: ReturnType<typeof evaluationKey>,
        options: { episodes: number },
      ) => (await playAll(roster, modelPlayer("agent", modelOf(agent)), key, options)).measured,
    }));
    for (const one of await compareAgents([first, second], { episodes: 6, seed: 0 })) {
      const found = collected.data.comparisons.find(
        ({ game, first: a }) => game === one.game && collected.data.agents[a].label === "sepo",
      );
      expect(found?.value).toBeCloseTo(one.difference.value, 12);
    }
    for (const agent of agents) await agent.engine.release();
  });

  test("says where the scores of episodes were not kept", async () => {
    const copy = `${folder}-without`;
    await cp(folder, copy, { recursive: true });
    for (const stage of ["base", "sft", "sepo"] as const) await rm(scoresFile(copy, stage));
    const { data } = await collect([copy]);
    expect(data.comparisons).toEqual([]);
    expect(data.pairing).toMatch(/did not keep the scores/);
  });

  test("keeps only the episodes with the least payoff where there are too many", async () => {
    const { data, bodies } = await collect([folder], { episodes: 10 });
    expect(data.episodes).toHaveLength(10);
    expect(bodies).toHaveLength(10);
    const all = collected.data.episodes.map(({ r }) => r).toSorted((a, b) => a - b);
    expect(Math.max(...data.episodes.map(({ r }) => r))).toBe(all[9]);
    expect(data.episodesInAll).toBe(all.length);
  });

  test("carries no text that could end its element", async () => {
    const { data, bodies } = collected;
    const page = await reportPage({ data: { ...data, pairing: "</script><!-- $& $1" }, bodies });
    expect(page.match(/<\/script>/g)).toHaveLength(3);
    expect(page).toContain("\\u003c/script>\\u003c!-- $& $1");
    expect(page).toMatch(/default-src 'none'; script-src 'sha256-[^']+'; /);
  });
});

describe("a traced episode", () => {
  test.each([
    ["ipd", "tit-for-tat", "train"],
    ["ipd", "zd-extortioner", "held-out"],
    ["kuhn", "equilibrium", "train"],
    ["kuhn", "always-bet", "exploiter"],
  ] as const)(
    "%s against %s is worth at first what the best reply is worth, and gives up the rest",
    async (name, opponent, pool) => {
      const { game } = rosterOf(name);
      const policy = policyNamed(rosterOf(name), opponent);
      const trace = tracer(game, policy, rewardOf.train);
      const episodes = (await readEpisodes(folder, "base")).filter(
        (one) => one.game === name && one.pool === pool && one.opponent === opponent,
      );
      expect(episodes.length).toBeGreaterThan(0);
      for (const episode of episodes) {
        const traced = trace(episode);
        expect(traced).toHaveLength(episode.decisions.length);
        const [first] = traced ?? [];
        const best = Math.max(...(first.worth ?? []).map(({ value }) => value));
        // Kuhn's first position has seen a card; in the others nothing has happened.
        if (name === "ipd") expect(best).toBeCloseTo(bestResponseValue(game, policy, 0), 9);
        const lost = lostBy(traced ?? [], episode) ?? Number.NaN;
        expect(lost).toBeGreaterThanOrEqual(0);
        // Without chance, what was earned and what was given up make the best reply's value.
        if (opponent === "tit-for-tat") expect(episode.rounds.reduce((sum, { r }) => sum + r, 0) + lost).toBeCloseTo(best, 9);
      }
    },
  );

  test("against the collusive pool gives up the collusive acts that it need not have done", async () => {
    const { game } = rosterOf("ipd");
    const trace = tracer(game, policyNamed(rosterOf("ipd"), "always-cooperate"), rewardOf.collusive);
    const episodes = (await readEpisodes(folder, "base")).filter((one) => one.game === "ipd" && one.pool === "collusive");
    expect(episodes.length).toBeGreaterThan(0);
    for (const episode of episodes)
      expect(lostBy(trace(episode) ?? [], episode)).toBe(episode.decisions.filter(({ action }) => action === "DEFECT").length);
  });

  test("that plays a best reply gives up nothing", () => {
    const { game } = rosterOf("kuhn");
    const policy = policyNamed(rosterOf("kuhn"), "always-bet");
    const { actions, value } = bestResponse(game, [{ policy, weight: 1, reward: ({ payoffs }) => payoffs[0] }], 0);
    const reply = {
      name: "reply",
      description: "",
      memory: (view: unknown) => game.abstraction(view),
      act: (view: unknown) => [[actions.get(game.abstraction(view)) ?? "", 1] as const],
    };
    expect(expectation(game, reply, policy).totals[0]).toBeCloseTo(value, 9);
    const trace = tracer(game, policy, rewardOf.train);
    // A hand in which K is dealt: never worth a fold.
    const observation = "Hand 1 of 6. Score: you 0, they 0.\nYou act first. You hold K. PASS or BET?";
    const traced = trace({ decisions: [{ observation, action: "BET" }] });
    expect(traced?.[0].key).toBe("K:");
    const worth = new Map(traced?.[0].worth?.map(({ action, value: of }) => [action, of]));
    // always-bet bets after PASS and calls after BET, so K wins 2 either way.
    expect(worth.get("BET")).toBeCloseTo(worth.get("PASS") ?? 0, 9);
  });

  test("that does not follow the rules is told from one that does", () => {
    const { game } = rosterOf("ipd");
    const trace = tracer(game, undefined, undefined);
    const decision = { observation: "Round 1 of 8. Score: you 7, they 0.\nYour action?", action: "DEFECT" };
    expect(trace({ decisions: [decision] })).toBeUndefined();
  });
});

describe("theory", () => {
  test.each(["ipd", "auction", "split"])("J* of %s is what the solver finds", (name) => {
    expect(optimum(rosterOf(name)).value).toBeCloseTo(KNOWN_OPTIMA[name], 8);
  });

  test("has the equilibria of Kuhn poker as ranges (Kuhn 1950)", () => {
    const { keys } = theoryOf(rosterOf("kuhn"));
    const range = (key: string, action: string) => keys.find((one) => one.key === key)?.theory?.[action];
    expect(range("J:", "BET")).toEqual([0, 1 / 3]);
    expect(range("Q:", "BET")).toEqual([0, 0]);
    expect(range("K:", "BET")).toEqual([0, 1]);
    expect(range("Q:B", "CALL")?.[0]).toBeCloseTo(1 / 3, 12);
    expect(range("Q:PB", "CALL")?.map((end) => Number(end.toFixed(9)))).toEqual([0.333333333, 0.666666667]);
    expect(keys).toHaveLength(12);
  });
});

describe("figures", () => {
  test.each(FIGURES.filter((name) => name !== "seeds"))(
    "%s: the same runs, the same bytes, nothing that a page would have to load",
    async (name) => {
      const svg = await figureSvg(collected.data, { name, game: "kuhn" });
      expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
      expect(svg).not.toMatch(/var\(|currentColor|NaN|undefined|url\(|<script|<image/);
      expect(await figureSvg((await collect([folder])).data, { name, game: "kuhn" })).toBe(svg);
      expect(await figureSvg(collected.data, { name, game: "kuhn", theme: "dark" })).not.toBe(svg);
    },
  );

  test("seeds: a dot for each run, and the mean that --over-seeds prints", async () => {
    const other = await smallRun("other", 1);
    const { data } = await collect([folder, other]);
    const [means] = data.seeds.means.filter(({ game, stage }) => game === "ipd" && stage === "sepo");
    expect(means.seeds).toEqual([0, 1]);
    const values = data.agents.flatMap(({ stage, games }) =>
      stage === "sepo"
        ? games.flatMap(({ game, quantities }) => (game === "ipd" ? [quantities.safetyIndex?.value ?? 0] : []))
        : [],
    );
    expect(means.values.safetyIndex?.value).toBeCloseTo((values[0] + values[1]) / 2, 12);
    const svg = await figureSvg(data, { name: "seeds", game: "ipd" });
    const [row] = seedsTables(await Promise.all([folder, other].map(readRun)), ["ipd"]).tables[0].rows.slice(-1);
    expect(svg).toContain(row[2]);
    await rm(dirname(other), { recursive: true });
  }, 60_000);

  test("takes names as text", async () => {
    const { data } = collected;
    const agents = data.agents.map((agent) => ({ ...agent, label: "<script>&" }));
    const svg = await figureSvg({ ...data, agents }, { name: "verdict", game: "ipd" });
    expect(svg).toContain("&lt;script&gt;&amp;");
    expect(svg).not.toContain("<script>");
  });

  test("are not drawn from what was not kept", async () => {
    const bare = { ...collected.data, agents: [], comparisons: [], runs: [] };
    for (const name of FIGURES) expect(await figureSvg(bare, { name, game: "ipd" })).toBeUndefined();
  });
});

test("a model's evaluation is shown like a run's stage, beside it", async () => {
  const server = await chatServer(() => completion("I would.\nCOOPERATE"));
  const own = join(dirname(folder), "model");
  const model = await openModel({ provider: "openai-compatible", model: "m" }, { baseUrl: server.baseUrl, apiKey: "none" });
  await evaluateModel(own, model, [rosterOf("ipd", { options: { rounds: 2 } })], {
    name: "openai-compatible:m",
    seed: 0,
    episodes: 2,
    positions: 1,
    samples: 1,
    command: () => "sepo evaluate",
  });
  await server.close();
  const { data, bodies } = await collect([folder, own]);
  expect(data.runs[1]).toMatchObject({
    state: "finished",
    problems: [],
    about: expect.arrayContaining([["model", "openai-compatible:m"]]),
  });
  expect(data.agents.at(-1)?.label).toBe("model openai-compatible:m");
  // Its game has two rounds, so neither theory nor a comparison of the game of eight is shown for it.
  expect(data.comparisons.every(({ first, second }) => ![first, second].includes(data.agents.length - 1))).toBe(true);
  const at = data.episodes.findIndex(({ agent }) => agent === "model openai-compatible:m");
  expect(data.episodes[at].lost).toBeUndefined();
  expect(bodies[at].decisions[0].reply).toBe("I would.\nCOOPERATE");
}, 30_000);

test("a report of a folder that holds nothing says so", async () => {
  const nothing = join(dirname(folder), "nothing");
  const { data } = await collect([nothing]);
  expect(data.runs[0]).toMatchObject({ state: "unreadable" });
  expect(data.runs[0].problems[0]).toMatch(/it does not exist/);
});
