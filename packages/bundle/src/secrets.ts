import { isSecretPattern, NO_USE_IN, type SecretRule } from '@provability-fabric/policy';
import type { Compilation } from './compilation.ts';
import { unknownTool } from './event-classes.ts';
import { compilePointer } from './pointers.ts';
import type { BundleDocument } from './shape/bundle-shape.ts';
import { show } from './shape/read-shape.ts';
import { didYouMean } from './suggestion.ts';
import type { Path } from './yaml/located.ts';

type SecretDocument = NonNullable<BundleDocument['secrets']>[number];

/** Which secrets may be used where; undefined where none may. */
export function compileSecrets(compilation: Compilation): readonly SecretRule[] | undefined {
  return compilation.document.secrets?.map((written, index) =>
    compileRule(written, ['secrets', index], compilation),
  );
}

function compileRule(written: SecretDocument, path: Path, compilation: Compilation): SecretRule {
  const { locations, found } = compilation;
  if (!isSecretPattern(written.name)) {
    found.error('WRONG_VALUE', locations.value(...path, 'name'), {
      message: `expected the name of a secret, or a prefix of names, came \`${show(written.name)}\``,
      mend: 'write `api/token`, or `api/*` for all below `api`; a name has segments out of A-Z a-z 0-9 . _ -',
    });
  }
  for (const [index, tool] of written.tools.entries()) {
    const place = locations.value(...path, 'tools', index);
    if (NO_USE_IN.includes(tool)) {
      found.error('WRONG_VALUE', place, {
        message: `expected a tool of a server, came \`${show(tool)}\`, which no server runs`,
        mend: 'name a tool that a secret is sent to; what a client answers a server takes no secret',
      });
    } else unknownTool(tool, place, undefined, compilation);
  }
  return {
    name: written.name,
    tools: ascending(written.tools),
    parameters: ascending(
      written.parameters.map((parameter, index) =>
        compileParameter(parameter, written.tools, [...path, 'parameters', index], compilation),
      ),
    ),
    principals: written.principals === undefined ? null : ascending(written.principals),
    roles: written.roles === undefined ? null : ascending(written.roles),
    embedded: written.embedded,
  };
}

/** A parameter that each of the tools declares: a slip of the pen would permit what nobody meant, or nothing. */
function compileParameter(
  written: string,
  tools: readonly string[],
  path: Path,
  compilation: Compilation,
): string {
  const { document, locations, found } = compilation;
  const place = locations.value(...path);
  const pointer = compilePointer(written, 'the name of a parameter', place, compilation);
  for (const tool of tools) {
    const declared = document.tools[Object.hasOwn(document.tools, tool) ? tool : '*'];
    if (declared === undefined) continue;
    const named = Object.entries(declared.parameters).find(
      ([key]) => key === written || key === pointer || `/${key}` === pointer,
    );
    if (named === undefined) {
      found.error('WRONG_VALUE', place, {
        message: `expected a parameter that \`${show(tool)}\` declares, came \`${show(written)}\``,
        mend: didYouMean(
          written,
          Object.keys(declared.parameters),
          `declare it: \`parameters: { ${show(written)}: { optional: true } }\``,
        ),
      });
    } else if (named[1].stores !== undefined || named[1].member_of !== undefined) {
      found.error('WRONG_VALUE', place, {
        message: `expected a parameter without \`stores\` and \`member_of\`, came \`${show(written)}\`, which no secret meets`,
        mend: 'name another parameter, or take that demand from it',
      });
    }
  }
  return pointer;
}

function ascending(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}
