/** A table of texts as `sepo report` prints it. */
import type { TextTable } from "../../report/table.ts";
import { csvOf, save } from "../save.ts";

const isNumber = (cell: string): boolean => /^[<-]?[\d.]/.test(cell) || cell === "";

export function DataTable({ table, saved }: { readonly table: TextTable; readonly saved?: string }) {
  const numeric = table.head.map((_, column) => table.rows.every((row) => isNumber(row[column] ?? "")));
  return (
    <div class="table">
      <table>
        <caption>
          {table.title}
          {saved !== undefined && (
            <button type="button" onClick={() => save(`${saved}.csv`, csvOf(table), "text/csv")}>
              CSV
            </button>
          )}
        </caption>
        <thead>
          <tr>
            {table.head.map((cell, i) => (
              <th key={i} scope="col" class={numeric[i] ? "number" : ""}>
                {cell}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.rows.map((row, i) => (
            <tr key={i}>
              {row.map((cell, j) => (
                <td key={j} class={numeric[j] ? "number" : ""}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {table.note !== undefined && <p class="note">{table.note}</p>}
    </div>
  );
}
