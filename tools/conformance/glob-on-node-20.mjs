// The suite imports `globSync` from `fs`, which Node has had since 22; its server scenarios never call it. On Node 20
// the import alone would fail, so there the suite gets an `fs` with that name.
import fs from 'node:fs';
import { register } from 'node:module';

if (fs.globSync === undefined) {
  const names = Object.keys(fs).filter((name) => name !== 'default');
  const shim = [
    `import fs from 'node:fs';`,
    `export default fs;`,
    `export const { ${names.join(', ')} } = fs;`,
    `export function globSync() { throw new Error('globSync needs Node 22'); }`,
  ].join('\n');
  const shimUrl = `data:text/javascript,${encodeURIComponent(shim)}`;
  const hooks = `
    export async function resolve(specifier, context, next) {
      const isSuite = context.parentURL?.includes('@modelcontextprotocol/conformance/') === true;
      return isSuite && specifier === 'fs' ? { url: ${JSON.stringify(shimUrl)}, shortCircuit: true } : next(specifier, context);
    }`;
  register(`data:text/javascript,${encodeURIComponent(hooks)}`);
}
