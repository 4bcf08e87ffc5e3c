import express from 'express';
import { type AppParts, createApp } from '../../src/server/app.ts';

/** One address of the service as express has it. */
export interface Route {
  readonly method: string;
  /** With parameters as they are written in the code. */
  readonly pattern: string;
  /** With something in their places. */
  readonly path: string;
}

interface Layer {
  readonly route?: { readonly path: string | string[]; readonly methods: Readonly<Record<string, boolean>> };
  readonly handle: unknown;
}

interface RouterLike {
  readonly stack: readonly Layer[];
}

/**
 * Every route of the service, from express itself: a route that somebody adds cannot be forgotten by the tests
 * that go over them. Express does not keep where a router is mounted, so mounting is listened to.
 */
export function allRoutes(): Route[] {
  const mounts = new Map<unknown, string>();
  const prototype = express.application as unknown as { use: (...args: unknown[]) => unknown };
  const routers = express.Router as unknown as { prototype: { use: (...args: unknown[]) => unknown } };
  const [useOfApp, useOfRouter] = [prototype.use, routers.prototype.use];
  function noted(original: (...args: unknown[]) => unknown) {
    return function use(this: unknown, ...args: unknown[]): unknown {
      const [path, ...handlers] = typeof args[0] === 'string' ? args : ['', ...args];
      for (const handler of handlers) {
        if (isRouter(handler)) mounts.set(handler, String(path));
      }
      return original.apply(this, args);
    };
  }
  prototype.use = noted(useOfApp);
  routers.prototype.use = noted(useOfRouter);
  try {
    const app = createApp(anything() as AppParts);
    return routesOf((app as unknown as { router: RouterLike }).router, '', mounts);
  } finally {
    prototype.use = useOfApp;
    routers.prototype.use = useOfRouter;
  }
}

function routesOf({ stack }: RouterLike, base: string, mounts: ReadonlyMap<unknown, string>): Route[] {
  return stack.flatMap(({ route, handle }) => {
    if (route !== undefined) {
      return [route.path].flat().flatMap((path) =>
        Object.keys(route.methods)
          .filter((method) => route.methods[method])
          .map((method) => {
            const pattern = (base + path).replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
            return { method: method.toUpperCase(), pattern, path: filled(pattern) };
          }),
      );
    }
    if (!isRouter(handle)) return [];
    return routesOf(handle, base + (mounts.get(handle) ?? ''), mounts);
  });
}

function isRouter(value: unknown): value is RouterLike {
  return typeof value === 'function' && Array.isArray((value as { stack?: unknown }).stack);
}

/** Every parameter that there is today is a UID or a name; wildcards too. */
function filled(pattern: string): string {
  return pattern.replace(/[:*]\w+/g, '1.2.3').replace(/[{}]/g, '');
}

/** Something that has every property and can be called: enough to put the application together, not to run it. */
function anything(): unknown {
  const it: unknown = new Proxy(() => it, {
    get: (_target, key) => {
      if (key === Symbol.toPrimitive) return () => 1;
      if (key === Symbol.iterator) return () => [][Symbol.iterator]();
      return key === 'then' ? undefined : it;
    },
    apply: () => it,
  });
  return it;
}
