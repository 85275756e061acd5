/** Exact game theory. */
export { bestResponseValue } from "./best-response.ts";
export { type Expectation, QUANTITIES, type SoftmaxAgent, expectation, softmaxPolicy } from "./expectation.ts";
export { abstractViews, countStates } from "./walk.ts";
