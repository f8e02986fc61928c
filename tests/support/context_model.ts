/**
 * What contexts are to do: a list of nodes, each of which knows its parents.
 *
 * @module
 */

export type Kind = "canceled" | "deadline";

/** How a node has ended. `cause` undefined: the error itself. */
export interface End {
  readonly kind: Kind;
  readonly cause: string | undefined;
  /** Where the end began: one end, one error. */
  readonly origin: Node;
}

export interface Node {
  readonly index: number;
  readonly parents: readonly Node[];
  /** When it ends by itself. */
  readonly own: number | undefined;
  readonly cause: string | undefined;
  readonly values: ReadonlyMap<number, string>;
  /** The earliest of its own and its ancestors'. */
  readonly deadline: number | undefined;
  end: End | undefined;
  /** What its end ends too, by a listener. */
  readonly ends: Node[];
}

export interface NodeOptions {
  readonly at?: number | undefined;
  readonly cause?: string | undefined;
  readonly values?: ReadonlyMap<number, string>;
}

/** What listeners cancel with. */
export const CASCADE = "cascade";

export class ContextModel {
  now = 0;
  readonly nodes: Node[] = [];

  add(parents: readonly Node[], { at, cause, values }: NodeOptions = {}): Node {
    const inherited = earliest(parents);
    // A deadline that is no earlier than that of the parents is theirs.
    const own = at !== undefined && at < (inherited ?? Infinity) ? at : undefined;
    const node: Node = {
      index: this.nodes.length,
      parents,
      own,
      cause,
      values: new Map([
        ...parents.toReversed().flatMap(({ values }) => [...values]),
        ...values ?? [],
      ]),
      deadline: own ?? inherited,
      end: parents.find(({ end }) => end !== undefined)?.end,
      ends: [],
    };
    this.nodes.push(node);
    if (own !== undefined && own <= this.now) this.end(node, "deadline", cause);
    return node;
  }

  /** The first end counts, for the node and for all below it. */
  end(node: Node, kind: Kind, cause: string | undefined): Node[] {
    if (node.end !== undefined) return [];
    node.end = { kind, cause, origin: node };
    // Parents have been added before their children.
    const ended = [node];
    for (const other of this.nodes) {
      if (other.end !== undefined) continue;
      if (!other.parents.some((parent) => ended.includes(parent))) continue;
      other.end = node.end;
      ended.push(other);
    }
    for (const { ends } of ended) for (const next of ends) this.end(next, "canceled", CASCADE);
    return ended;
  }

  /** The next node to end by itself. */
  get next(): Node | undefined {
    return this.nodes
      .filter(({ own, end }) => own !== undefined && end === undefined)
      .sort((a, b) => a.own! - b.own!)[0];
  }
}

function earliest(parents: readonly Node[]): number | undefined {
  const times = parents.flatMap(({ deadline }) => deadline ?? []);
  return times.length === 0 ? undefined : Math.min(...times);
}
