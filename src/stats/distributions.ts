/** The distributions that intervals are made of: normal, beta and Student's t. */

/** P(Z <= z) of the standard normal distribution; Abramowitz and Stegun, formula 7.1.26: absolute error below 1.5e-7. */
export function normalDistribution(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const poly = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const upper = 0.5 * poly * Math.exp((-z * z) / 2);
  return z < 0 ? upper : 1 - upper;
}

/** Coefficients of Lanczos' approximation with g = 7, nine terms (Godfrey, 2001): relative error below 1e-14. */
const LANCZOS: readonly number[] = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
  -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
];

/** log Gamma(x) for x > 0. */
export function logGamma(x: number): number {
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const base = x + 6.5;
  const series = LANCZOS.slice(1).reduce((sum, coefficient, i) => sum + coefficient / (x + i), LANCZOS[0]);
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(base) - base + Math.log(series);
}

const STEPS = 500;

/** The continued fraction of the incomplete beta function, by Lentz's method (Numerical Recipes, section 6.4). */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = (value: number) => (Math.abs(value) < 1e-300 ? 1e-300 : value);
  let c = 1;
  let d = 1 / tiny(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= STEPS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / tiny(1 + even * d);
    c = tiny(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / tiny(1 + odd * d);
    c = tiny(1 + odd / c);
    const factor = d * c;
    result *= factor;
    if (Math.abs(factor - 1) < 1e-15) break;
  }
  return result;
}

/** P(X <= x) of Beta(a, b): the regularised incomplete beta function. */
export function betaDistribution(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) + logGamma(a + b) - logGamma(a) - logGamma(b));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** The quantile of Beta(a, b), by Newton's method on the logit of x inside a bracket. */
export function betaQuantile(probability: number, a: number, b: number): number {
  if (probability <= 0) return 0;
  if (probability >= 1) return 1;
  const logBeta = logGamma(a) + logGamma(b) - logGamma(a + b);
  let [low, high] = [-700, 700];
  let logit = Math.log(a / b);
  for (let i = 0; i < 200; i++) {
    const [x, rest] = [1 / (1 + Math.exp(-logit)), 1 / (1 + Math.exp(logit))];
    const error = betaDistribution(x, a, b) - probability;
    if (error > 0) high = logit;
    else low = logit;
    const slope = Math.exp(a * Math.log(x) + b * Math.log(rest) - logBeta);
    const next = logit - error / slope;
    const inside = next > low && next < high ? next : (low + high) / 2;
    const moved = Math.abs(inside - logit);
    logit = inside;
    if (moved < 1e-12 * Math.max(1, Math.abs(logit))) break;
  }
  return 1 / (1 + Math.exp(-logit));
}

/** The t that |T| of Student's distribution exceeds with probability `alpha`: nu / (nu + T^2) is Beta(nu / 2, 1 / 2). */
export function studentQuantile(alpha: number, freedom: number): number {
  if (alpha >= 1) return 0;
  const x = betaQuantile(alpha, freedom / 2, 0.5);
  return Math.sqrt((freedom * (1 - x)) / x);
}
