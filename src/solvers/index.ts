/** Exact game theory. */
export { type ActionValue, type PastDecision, bestReplyValues } from "./best-reply-values.ts";
export { type BestResponse, type OpponentType, actionPolicy, bestResponse, bestResponseValue } from "./best-response.ts";
export { type Chain, type ChainNode, createChain } from "./chain.ts";
export { type Expectation, QUANTITIES, type SoftmaxAgent, expectation, softmaxPolicy } from "./expectation.ts";
export { type TypeStrategy, nashConv, solveZeroSum, symmetricEquilibria, typePolicy } from "./equilibrium.ts";
export { type Matchups, type Optimum, exactJ, optimum, utilityBound } from "./optimum.ts";
export { abstractViews, countStates, informationViews } from "./walk.ts";
