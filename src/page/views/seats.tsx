/** What a seat knew at the end, whatever the game: lists of records become tables, the rest pairs of words. */
type Json = unknown;

const isRecord = (value: Json): value is Readonly<Record<string, Json>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const inWords = (value: Json): string => {
  if (Array.isArray(value)) return value.map(inWords).join(" ");
  if (isRecord(value))
    return Object.entries(value)
      .map(([name, inner]) => `${name} ${inWords(inner)}`)
      .join(", ");
  return typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
};

export function SeatView({ title, view }: { readonly title: string; readonly view: Json }) {
  const entries = isRecord(view) ? Object.entries(view) : [["view", view] as const];
  const tables = entries.flatMap(([name, value]) =>
    Array.isArray(value) && value.some(isRecord) ? [{ name, rows: value.filter(isRecord) }] : [],
  );
  const words = entries.filter(([name]) => tables.every((table) => table.name !== name) && name !== "seat");
  return (
    <div class="seat">
      <h4>{title}</h4>
      {tables.map(({ name, rows }) => (
        <RecordTable key={name} rows={rows} />
      ))}
      <dl>
        {words
          .filter(([, value]) => inWords(value) !== "")
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{inWords(value)}</dd>
            </div>
          ))}
      </dl>
    </div>
  );
}

function RecordTable({ rows }: { readonly rows: readonly Readonly<Record<string, Json>>[] }) {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return (
    <div class="table">
      <table>
        <thead>
          <tr>
            <th scope="col">round</th>
            {names.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              <td>{i + 1}</td>
              {names.map((name) => (
                <td key={name}>{row[name] === undefined ? "unknown" : inWords(row[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
