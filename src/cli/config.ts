import type { Command } from "commander";
import { configKeys } from "../runs/config-keys.ts";
import { markdownTable, terminalTable } from "../report/table.ts";
import { jsonOption } from "./options.ts";

export function addConfig(program: Command): void {
  program
    .command("config")
    .description("every key of a configuration: its meaning, default and unit")
    .argument("[section]", "only keys that begin with this, such as sepo or engine")
    .option("--markdown", "print the page docs/configuration.md")
    .addOption(jsonOption())
    .addHelpText("after", "\nExamples:\n  sepo config\n  sepo config sepo.exploiter\n  sepo config --json")
    .action((section: string | undefined, { markdown, json }: { markdown?: boolean; json?: boolean }) => {
      const keys = configKeys().filter(({ key }) => section === undefined || key === section || key.startsWith(`${section}.`));
      const rows = keys.map(({ key, type, fallback, description }) => [key, type, fallback, description]);
      const table = { title: "Keys of a configuration", head: ["key", "type", "default", "meaning"], rows };
      if (json === true) console.log(JSON.stringify(keys));
      else if (markdown === true) console.log(configurationPage());
      else console.log(terminalTable(table));
    });
}

/** The page `docs/configuration.md`; a test compares them. */
export function configurationPage(): string {
  const sections = new Map<string, string[][]>();
  for (const { key, type, fallback, description } of configKeys()) {
    const section = key.includes(".") ? key.slice(0, key.indexOf(".")) : "run";
    sections.set(section, [
      ...(sections.get(section) ?? []),
      [`\`${key}\``, type, fallback === "" ? "" : `\`${fallback}\``, description],
    ]);
  }
  const tables = [...sections].map(([title, rows]) =>
    markdownTable({ title, head: ["key", "type", "default", "meaning"], rows }),
  );
  return [
    "# Configuration",
    "",
    "A run is described by one TOML or JSON file. Every key has a default, and `--set key=value` overrides one. This page is",
    "made by `npm run --silent sepo -- config --markdown`.",
    "",
    tables.join("\n\n"),
  ].join("\n");
}
