export type { CedarWasm } from './cedar-wasm.ts';
export { loadCedarWasm } from './cedar-wasm.ts';
export type { CedarFile, CedarSources, CompiledCedar } from './compile-cedar.ts';
export { compileCedar } from './compile-cedar.ts';
export type { CedarProblem } from './problem.ts';
