/**
 * The part of the WebAssembly JavaScript interface that the codecs use. TypeScript declares it in its DOM
 * library only, which a service without a browser does not load.
 */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Memory {
    readonly buffer: ArrayBuffer;
  }
  type Imports = Record<string, Record<string, (...values: never[]) => unknown>>;
  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Record<string, unknown>;
  }
}
