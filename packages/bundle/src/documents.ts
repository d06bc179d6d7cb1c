import type { DocumentRule } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { compileLabel } from './labels.ts';

/** What is read over MCP without a tool. */
export function compileDocuments(compilation: Compilation): readonly DocumentRule[] {
  return compilation.document.documents.map(({ uri, label, clearance }, index) => ({
    uri,
    label: compileLabel(label, ['documents', index, 'label'], compilation),
    ...(clearance !== undefined && {
      clearance: compileLabel(clearance, ['documents', index, 'clearance'], compilation),
    }),
  }));
}
