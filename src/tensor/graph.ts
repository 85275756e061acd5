/** From expressions to an ONNX graph: names, order, shared constants. */
import type { Attributes, OnnxConstant, OnnxGraph, OnnxNode, OnnxValue } from "./onnx.ts";
import type { Node, Tensor } from "./tensor.ts";

/** Names of tensors; a loop's body has a scope of its own that knows the tensors it captures. */
interface Scope {
  readonly names: Map<Tensor, string>;
  readonly fresh: () => string;
}

/** Constants up to this many elements are stored once per value. */
const SHARED_CONSTANT = 8;

/** The graph that computes named outputs from named inputs. */
export function toGraph(inputs: Readonly<Record<string, Tensor>>, outputs: Readonly<Record<string, Tensor>>): OnnxGraph {
  for (const name of Object.keys(outputs)) {
    if (name in inputs) throw new TypeError(`${name} is the name of both an input and an output`);
  }
  let count = 0;
  const names = new Map(Object.entries(inputs).map(([name, x]) => [x, name]));
  return emitGraph(Object.values(inputs), Object.entries(outputs), { names, fresh: () => `t${count++}` }, new Set());
}

function emitGraph(
  inputs: readonly Tensor[],
  outputs: readonly (readonly [string, Tensor])[],
  scope: Scope,
  outer: ReadonlySet<Tensor>,
): OnnxGraph {
  const nodes: OnnxNode[] = [];
  const constants: OnnxConstant[] = [];
  const pool = new Map<string, string>();
  const done = new Set<Node>();
  const nameOf = (x: Tensor): string => {
    const name = scope.names.get(x) ?? scope.fresh();
    scope.names.set(x, name);
    return name;
  };
  const emitConstant = (x: Tensor): void => {
    if (x.node.kind !== "constant") return;
    const { data } = x.node;
    const key = data.length <= SHARED_CONSTANT ? `${x.type} ${x.shape.join()} ${data.join()}` : undefined;
    const known = key && pool.get(key);
    if (known) {
      scope.names.set(x, known);
      return;
    }
    if (key) pool.set(key, nameOf(x));
    constants.push({ name: nameOf(x), type: x.type, shape: x.shape, data });
  };
  const visit = (x: Tensor): void => {
    const { node } = x;
    if (outer.has(x) || done.has(node)) return;
    done.add(node);
    if (node.kind === "constant") emitConstant(x);
    if (node.kind === "constant" || node.kind === "input") {
      if (!scope.names.has(x)) throw new TypeError("an input of the expression was not given a name");
      return;
    }
    node.inputs.forEach(visit);
    if (node.kind === "loop") node.captured.forEach(visit);
    nodes.push({ ...describe(node, scope, nameOf), inputs: node.inputs.map(nameOf), outputs: node.outputs.map(nameOf) });
  };
  // An output takes its name at once where it can: a copy costs time in every iteration of a loop.
  for (const [name, x] of outputs) {
    const computed = x.node.kind === "operator" || x.node.kind === "loop";
    if (computed && !outer.has(x) && !scope.names.has(x)) scope.names.set(x, name);
  }
  for (const [, x] of outputs) visit(x);
  for (const [name, x] of outputs) {
    if (nameOf(x) === name) continue;
    nodes.push({ operator: "Identity", domain: "", attributes: {}, inputs: [nameOf(x)], outputs: [name] });
  }
  const value = (name: string, { type, shape }: Tensor): OnnxValue => ({ name, type, shape });
  return {
    nodes,
    constants,
    inputs: inputs.map((x) => value(nameOf(x), x)),
    outputs: outputs.map(([name, x]) => value(name, x)),
  };
}

function describe(
  node: Exclude<Node, { kind: "input" | "constant" }>,
  scope: Scope,
  nameOf: (x: Tensor) => string,
): { operator: string; domain: string; attributes: Attributes } {
  if (node.kind === "operator") return { operator: node.operator, domain: node.domain, attributes: node.attributes };
  const names = new Map(node.captured.map((x) => [x, nameOf(x)]));
  for (const x of node.bodyInputs) names.set(x, scope.fresh());
  const outputs = node.bodyOutputs.map((x) => [scope.fresh(), x] as const);
  const body = emitGraph(node.bodyInputs, outputs, { names, fresh: scope.fresh }, new Set(node.captured));
  return { operator: "Loop", domain: "", attributes: { body: { graph: body } } };
}
