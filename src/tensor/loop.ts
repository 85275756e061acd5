/** A loop that runs inside one graph. */
import { addOutput, input, type LoopNode, type Node, type Tensor } from "./tensor.ts";

export interface LoopStep {
  readonly state: readonly Tensor[];
  /** Stacked over iterations on a new first axis. */
  readonly emit: readonly Tensor[];
  /** A bool scalar: whether to run again. */
  readonly more: Tensor;
}
export interface LoopResult {
  readonly state: readonly Tensor[];
  /** The first size is `trips` in the expression, and the number of iterations really run in the arrays. */
  readonly emit: readonly Tensor[];
}

/**
 * Runs `body` while it asks for more, up to `trips` times (an int64 scalar, at most `most`); `start` (a bool scalar) says whether
 * to run at all. The body may use any tensor from outside; what does not depend on the loop's own variables is computed once,
 * outside. No gradient.
 */
export function loop(
  { trips, most, start }: { readonly trips: Tensor; readonly most: number; readonly start: Tensor },
  initial: readonly Tensor[],
  body: (iteration: Tensor, state: readonly Tensor[]) => LoopStep,
): LoopResult {
  const iteration = input([], "int64");
  const running = input([], "bool");
  const variables = initial.map((x) => input(x.shape, x.type));
  const { state, emit, more } = body(iteration, variables);
  const bodyInputs = [iteration, running, ...variables];
  const bodyOutputs = [more, ...state, ...emit];
  const captured = capturedBy(bodyInputs, bodyOutputs);
  const inputs = [trips, start, ...initial];
  const node: LoopNode = { kind: "loop", inputs, outputs: [], bodyInputs, bodyOutputs, captured };
  return {
    state: state.map((x) => addOutput(node, x.shape, x.type)),
    emit: emit.map((x) => addOutput(node, [most, ...x.shape], x.type)),
  };
}

/** The tensors that a body reads and that do not depend on its inputs. */
function capturedBy(bodyInputs: readonly Tensor[], bodyOutputs: readonly Tensor[]): readonly Tensor[] {
  const depends = new Map<Node, boolean>(bodyInputs.map((x) => [x.node, true]));
  const visit = (node: Node): boolean => {
    const known = depends.get(node);
    if (known !== undefined) return known;
    const found = node.inputs.map((x) => visit(x.node)).includes(true);
    depends.set(node, found);
    return found;
  };
  const captured = new Set<Tensor>();
  const seen = new Set<Tensor>();
  const collect = (x: Tensor): void => {
    if (seen.has(x)) return;
    seen.add(x);
    if (visit(x.node)) x.node.inputs.forEach(collect);
    else captured.add(x);
  };
  bodyOutputs.forEach(collect);
  return [...captured];
}
