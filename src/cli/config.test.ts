import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configKeys } from "../runs/config-keys.ts";
import { configurationPage } from "./config.ts";

test("docs/configuration.md is what the schema says", () => {
  expect(readFileSync("docs/configuration.md", "utf8")).toBe(`${configurationPage()}\n`);
});

test("every key has a meaning", () => {
  for (const { key, description } of configKeys())
    expect({ key, described: description.length > 3 }).toEqual({ key, described: true });
  expect(configKeys().map(({ key }) => key)).toEqual(
    expect.arrayContaining(["seed", "sepo.hingeMemory", "engine (tinker).rank"]),
  );
});
