/** Reverse-mode differentiation: from an expression to the expressions of its gradients. */
import { add, fill } from "./operators.ts";
import { sameShape, showShape, sizeOf, ShapeError, type Node, type Tensor } from "./tensor.ts";

const sourcesOf = (node: Node): readonly Tensor[] => node.sources ?? node.inputs;

/** Nodes between `wrt` and `ends`, each after the nodes it reads. */
function nodesBetween(ends: readonly Tensor[], wrt: ReadonlySet<Tensor>): readonly Node[] {
  const reaches = new Map<Node, boolean>();
  const order: Node[] = [];
  const visit = (node: Node): boolean => {
    const known = reaches.get(node);
    if (known !== undefined) return known;
    reaches.set(node, false);
    const found = sourcesOf(node)
      .map((source) => visit(source.node) || wrt.has(source))
      .includes(true);
    reaches.set(node, found);
    if (found) order.push(node);
    return found;
  };
  for (const end of ends) visit(end.node);
  return order;
}

/**
 * The gradients of tensors `wrt` (inputs or intermediate ones) of sum_i <end_i, gradient_i>, where an end may depend on others;
 * undefined where no end depends on a tensor.
 */
export function pullback(
  ends: readonly (readonly [end: Tensor, gradient: Tensor])[],
  wrt: readonly Tensor[],
): readonly (Tensor | undefined)[] {
  const gradients = new Map<Tensor, Tensor>(ends);
  const order = nodesBetween(
    ends.map(([end]) => end),
    new Set(wrt),
  );
  const relevant = new Set<Tensor>([...wrt, ...order.flatMap((node) => node.outputs)]);
  for (const node of order.toReversed()) {
    const given = node.outputs.map((output) => gradients.get(output));
    if (given.every((g) => g === undefined)) continue;
    if (!node.pullback) throw new TypeError(`${node.kind === "operator" ? node.operator : node.kind} has no gradient`);
    const results = node.pullback(given);
    sourcesOf(node).forEach((source, i) => {
      const result = results[i];
      if (!result || !relevant.has(source)) return;
      if (!sameShape(result.shape, source.shape)) {
        throw new ShapeError(`gradient ${showShape(result.shape)} of a tensor ${showShape(source.shape)}`);
      }
      const known = gradients.get(source);
      gradients.set(source, known ? add(known, result) : result);
    });
  }
  return wrt.map((x) => gradients.get(x));
}

/** d loss / d x for each x of `wrt`. The loss has one element. */
export function grad(loss: Tensor, wrt: readonly Tensor[]): readonly Tensor[] {
  if (sizeOf(loss.shape) !== 1) throw new ShapeError(`grad: the loss has shape ${showShape(loss.shape)}, expected one element`);
  return pullback([[loss, fill(loss.shape, 1)]], wrt).map((gradient, i) => gradient ?? fill(wrt[i].shape, 0));
}
