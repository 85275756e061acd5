/** JSON as other programs write and break it. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { parseJson, readJson } from "./json.ts";

const fail = (...error: ConstructorParameters<typeof Error>) => new Error(...error);
const parse = (text: string): unknown => parseJson(text, "x.json", z.unknown(), fail);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sepo-json-"));
});
afterAll(() => rm(folder, { recursive: true }));

const schema = z.strictObject({ rate: z.number(), names: z.array(z.string()).default([]) });
async function read(content: string | Uint8Array) {
  const path = join(folder, "file.json");
  await writeFile(path, content);
  return readJson(path, schema, "settings", fail);
}

describe("a file is read", () => {
  const text = '{\n  "rate": 1,\n  "names": ["é"]\n}\n';
  const value = { rate: 1, names: ["é"] };
  test.each([
    ["as it should be", text],
    ["with a byte order mark", `\uFEFF${text}`],
    ["with the line ends of Windows", text.replaceAll("\n", "\r\n")],
    ["with both", `\uFEFF${text.replaceAll("\n", "\r\n")}`],
  ])("%s", async (_, content) => {
    expect(await read(content)).toEqual(value);
  });

  test("with the numbers that Python writes, outside of texts", () => {
    expect(parse('{"a": NaN, "b": [Infinity, -Infinity], "NaN": "-Infinity", "c": "number"}')).toEqual({
      a: NaN,
      b: [Infinity, -Infinity],
      NaN: "-Infinity",
      c: "number",
    });
    expect(parse("NaN")).toBeNaN();
  });
});

describe("a file is refused", () => {
  // Bytes and columns counted by hand.
  const refused: readonly (readonly [string, string | Uint8Array, string])[] = [
    ["empty", "", "expected JSON; it is empty"],
    ["blank", "\uFEFF \r\n", "expected JSON; it is empty"],
    ["cut in an object", '{"rate":', "expected JSON; it is truncated: it ends at line 1, column 9 (byte 8)"],
    ["cut in a text", '{"rate": 1,\n "names": ["é', "it is truncated: it ends at line 2, column 14 (byte 26)"],
    ["cut in an escape", String.raw`{"rate": "\u00`, "it is truncated: it ends at line 1, column 15 (byte 14)"],
    ["cut in a word", '{"rate": nul', "it is truncated: it ends at line 1, column 13 (byte 12)"],
    ["with a comma too many", '\uFEFF{"rate": 1,}', 'it is malformed at line 1, column 12 (byte 14): got "}"'],
    ["with a comment", '{ // rate\n"rate": 1}', String.raw`line 1, column 3 (byte 2): got "// rate\n\"rate\": 1}"`],
    ["with single quotes", "{'rate': 1}", `line 1, column 2 (byte 1): got "'rate': 1}"`],
    ["with two values", '{"rate": 1}\n{"rate": 2}', 'line 2, column 1 (byte 12): got "{'],
    ["with a line break in a text", '{"rate": "a\nb"}', "line 1, column 12 (byte 11)"],
    ["that is a page", "<!doctype html>", 'malformed at line 1, column 1 (byte 0): got "<!doctype html>"'],
    ["that merge conflicts are in", '{\n<<<<<<< HEAD\n"rate": 1}', "malformed at line 2, column 1 (byte 2)"],
    ["in UTF-16", Buffer.from('\uFEFF{"rate": 1}', "utf16le"), "expected settings in UTF-8, but the file is UTF-16 (little"],
    ["in Latin-1", Buffer.from('{"rate": "\u00E9"}', "latin1"), "is neither UTF-8 nor UTF-16 (byte 10 is 0xe9)"],
    ["with a number that is none", '{"rate": NaN}', "rate: Invalid input: expected number, received NaN, got NaN"],
    ["with another type", '{"rate": "fast"}', 'rate: Invalid input: expected number, received string, got "fast"'],
    [
      "with a wrong element",
      '{"rate": 1, "names": ["a", 2]}',
      "names.1: Invalid input: expected string, received number, got 2",
    ],
    ["without a key", "{}", "rate: Invalid input: expected number, received undefined"],
    ["with a key too many", '{"rate": 1, "rat": 2}', 'Unrecognized key: "rat"'],
  ];
  test.each(refused)("%s", async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(`${join(folder, "file.json")}: `);
    await expect(read(content)).rejects.toThrow(message);
  });

  test("when it is not there, or a folder", async () => {
    for (const path of [join(folder, "none.json"), folder])
      await expect(readJson(path, schema, "settings", fail)).rejects.toThrow(
        `${path}: expected settings, but it cannot be read`,
      );
  });

  test("as truncated wherever it is cut", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, at) => {
        const whole = JSON.stringify({ value });
        const cut = whole.slice(0, at % whole.length);
        expect(() => parse(cut)).toThrow(cut === "" ? "empty" : "truncated");
      }),
    );
  });

  test("by its first wrong character, whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), (value, at, noise) => {
        const whole = JSON.stringify({ value });
        const text = whole.slice(0, at % whole.length) + noise + whole.slice(at % whole.length);
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        // The scan and the parser of the language agree on what JSON is.
        if (valid) expect(parse(text)).toEqual(JSON.parse(text));
        else expect(() => parse(text)).toThrow(/x\.json: expected JSON; it is (malformed at|truncated: it ends at) line/);
      }),
    );
  });
});
