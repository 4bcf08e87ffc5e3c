/**
 * What the console uses of `htm/preact/standalone`, which is served as `preact.js`: its own types need preact
 * as a package of its own.
 */

export interface VNode {
  readonly props: unknown;
}

export type Effect = () => undefined | (() => void);

export function html(strings: TemplateStringsArray, ...values: readonly unknown[]): VNode;
export function render(tree: VNode, parent: Element): void;
export function useState<Value>(
  initial: Value | (() => Value),
): [Value, (next: Value | ((before: Value) => Value)) => void];
export function useEffect(effect: Effect, inputs?: readonly unknown[]): void;
export function useRef<Value>(initial: Value): { current: Value };
export function useErrorBoundary(onError?: (error: unknown) => void): [unknown, () => void];
