/** Exact game theory. */
export { type BestResponse, type OpponentType, actionPolicy, bestResponse, bestResponseValue } from "./best-response.ts";
export { type Chain, type ChainNode, createChain } from "./chain.ts";
export { type Expectation, QUANTITIES, type SoftmaxAgent, expectation, softmaxPolicy } from "./expectation.ts";
export { abstractViews, countStates } from "./walk.ts";
