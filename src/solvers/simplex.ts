/**
 * Linear programs by the two-phase simplex method with Bland's rule (Bland, Mathematics of Operations Research 2, 1977), which never
 * cycles. Dense, for programs of up to a few hundred variables.
 */

/** Maximise objective . x subject to equations rows . x = right and x >= 0. */
export interface LinearProgram {
  readonly objective: readonly number[];
  readonly rows: readonly (readonly number[])[];
  readonly right: readonly number[];
}

const TOLERANCE = 1e-10;

/** An optimal vertex. Throws `RangeError` for a program that is infeasible or unbounded. */
export function solveLinearProgram({ objective, rows, right }: LinearProgram): { value: number; x: number[] } {
  const [n, m] = [objective.length, rows.length];
  // Columns: variables, one artificial variable per row, the right side.
  const table = rows.map((row, i) => {
    const sign = right[i] < 0 ? -1 : 1;
    return [...row.map((a) => sign * a), ...rows.map((_, j) => (i === j ? 1 : 0)), sign * right[i]];
  });
  const basis = rows.map((_, i) => n + i);

  const pivot = (r: number, c: number): void => {
    const scale = table[r][c];
    table[r] = table[r].map((x) => x / scale);
    for (let i = 0; i < m; i++) {
      const factor = table[i][c];
      if (i !== r && factor !== 0) table[i] = table[i].map((x, j) => x - factor * table[r][j]);
    }
    basis[r] = c;
  };
  /** Climbs to the optimum over the first `columns` columns. */
  const climb = (gain: readonly number[], columns: number): void => {
    for (;;) {
      const entering = Array.from({ length: columns }, (_, j) => j).find((j) => {
        const reduced = gain[j] - table.reduce((sum, row, i) => sum + gain[basis[i]] * row[j], 0);
        return !basis.includes(j) && reduced > TOLERANCE;
      });
      if (entering === undefined) return;
      let leaving = -1;
      let least = Infinity;
      for (let i = 0; i < m; i++) {
        if (table[i][entering] <= TOLERANCE) continue;
        const ratio = table[i][n + m] / table[i][entering];
        if (ratio < least - TOLERANCE || (ratio < least + TOLERANCE && basis[i] < (basis[leaving] ?? Infinity)))
          [least, leaving] = [Math.min(least, ratio), i];
      }
      if (leaving < 0) throw new RangeError("the linear program is unbounded");
      pivot(leaving, entering);
    }
  };

  const artificial = [...objective.map(() => 0), ...rows.map(() => -1)];
  climb(artificial, n + m);
  if (basis.some((column, i) => column >= n && table[i][n + m] > 1e-8))
    throw new RangeError("the linear program is infeasible");
  // An artificial variable left in the basis is zero; its row is redundant unless some variable can take its place.
  for (let i = 0; i < m; i++) {
    const column = basis[i] < n ? -1 : table[i].findIndex((x, j) => j < n && Math.abs(x) > 1e-8);
    if (column >= 0) pivot(i, column);
  }
  climb([...objective, ...rows.map(() => 0)], n);
  const x = objective.map(() => 0);
  for (const [i, column] of basis.entries()) if (column < n) x[column] = table[i][n + m];
  return { value: objective.reduce((sum, c, j) => sum + c * x[j], 0), x };
}
