// Sources: the files of a bundle, from a folder or from the template that `pfctl init` writes

// Cedar text to the IR that the policy package evaluates
export { type CedarProblem, type CedarSources, type CompiledCedar, compileCedar } from './cedar/index.ts';
// Compiling: sources to one canonical bundle, or to everything that is wrong with them
export { type CompiledSources, type CompileOptions, compileBundle } from './compile.ts';
// A first bundle out of tool descriptions
export { draftBundle } from './draft/draft-bundle.ts';
export { toolsOfOpenApi } from './draft/openapi.ts';
export { parseToolDescriptions, type ToolDescription } from './draft/tool-description.ts';
// Errors
export {
  BundleError,
  COMPILE_ERROR_CODES,
  COMPILE_WARNING_CODES,
  type CompileError,
  type CompileErrorCode,
  type CompileWarning,
  type CompileWarningCode,
} from './errors.ts';
export { formatCompileError } from './format-compile-error.ts';
export { readBundleFolder } from './read-folder.ts';
export { type BundleSources, MAX_CLAUSES, MAX_FILE_BYTES, MAX_FILES } from './sources.ts';
export { renderTemplate } from './template/render-template.ts';
// The bundle's own test cases
export { type Expectation, readTestCases, type TestCase, type TestCases } from './test-cases.ts';
