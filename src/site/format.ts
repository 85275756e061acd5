/** Numbers as the page writes them. */

/** At most so many decimals, with a true minus sign. */
export const decimal = (x: number, digits = 2): string =>
  (Math.abs(x) < 0.5 * 10 ** -digits ? 0 : x).toFixed(digits).replace("-", "\u2212");

/** A payoff: whole where it is whole. */
export const payoff = (x: number): string => (Number.isInteger(x) ? decimal(x, 0) : decimal(x, 2));

export const percent = (p: number): string => `${Math.round(100 * p)}%`;

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
