import type { CompiledBundle } from '../../compiled-bundle.ts';
import { EXTRACT_TOOL } from '../../handles/rules.ts';
import { flag, listOf, malformed, matching, members, orNull, type Reader } from '../../structure.ts';
import { isSecretPattern, type SecretRule } from './rules.ts';

interface NameReaders {
  readonly toolName: Reader<string>;
  readonly pointer: Reader<string>;
  readonly line: Reader<string>;
}

/** What is no tool of a server: what clients answer to servers, and what the fabric answers itself. */
export const NO_USE_IN: readonly string[] = ['elicitation/create', 'sampling/createMessage', EXTRACT_TOOL];

const secretPattern = matching(/^[^*]{1,255}(?:\/\*)?$/, 'a secret name, or a prefix and `/*`');

export function secretsReader({ toolName, pointer, line }: NameReaders): Reader<readonly SecretRule[]> {
  return listOf(
    members<SecretRule>({
      name: (value, where) => {
        const name = secretPattern(value, where);
        return isSecretPattern(name) ? name : malformed(where, 'a secret name, or a prefix and `/*`', value);
      },
      tools: listOf(toolName, 1),
      parameters: listOf(pointer, 1),
      principals: orNull(listOf(line, 1)),
      roles: orNull(listOf(line, 1)),
      embedded: flag,
    }),
    1,
  );
}

/** Every tool and parameter that the rules name is declared. */
export function checkSecrets({ secrets, tools }: CompiledBundle): void {
  for (const [index, rule] of (secrets ?? []).entries()) {
    const where = `bundle.secrets[${index}]`;
    for (const tool of rule.tools) {
      const name = Object.hasOwn(tools, tool) ? tool : '*';
      if (!Object.hasOwn(tools, name) || NO_USE_IN.includes(tool))
        malformed(`${where}.tools`, 'a tool of a server that the bundle has', tool);
      for (const parameter of rule.parameters) {
        if (!Object.hasOwn(tools[name]?.parameters ?? {}, parameter))
          malformed(`${where}.parameters`, 'a parameter of each of its tools', parameter);
      }
    }
  }
}
