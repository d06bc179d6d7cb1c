import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { compileCedar } from '@provability-fabric/bundle';
import { createSecretRules } from '@provability-fabric/detect';
import {
  GovernorError,
  type GovernorPolicy,
  loadGovernorPolicy,
  type PolicyLoader,
} from '@provability-fabric/governor';
import type { Crypto } from '@provability-fabric/kernel';
import { parse, parseDocument } from 'yaml';

export interface PolicyFilesOptions {
  /** policy.yaml; `policy.cedar` beside it has the clauses of one's own. */
  readonly file: string;
  /** Keys that variables set, each value YAML. */
  readonly overrides: ReadonlyMap<string, string>;
  readonly crypto: Crypto;
}

const MOST_BYTES = 256 * 1024;

/** Reads the policy anew each time it is asked, and compiles it where it changed. */
export function policyFiles({ file, overrides, crypto }: PolicyFilesOptions): PolicyLoader {
  const cedarFile = join(dirname(file), 'policy.cedar');
  let last: { readonly key: string; readonly policy: Promise<GovernorPolicy> } | undefined;
  return {
    async load() {
      const text = await readText(file);
      if (text === undefined)
        throw new GovernorError(
          'POLICY_INVALID',
          `expected a policy at \`${file}\`, came nothing; see docs/reference/governor.md`,
        );
      const cedar = await readText(cedarFile);
      const key = JSON.stringify([text, cedar ?? null]);
      if (last?.key === key) return last.policy;
      const policy = loadGovernorPolicy(
        {
          text: withOverrides(file, text, overrides),
          path: file,
          ...(cedar === undefined ? {} : { cedar: { text: cedar, path: cedarFile } }),
        },
        { crypto, compile: compileCedar, secrets: createSecretRules() },
      );
      last = { key, policy };
      return policy;
    },
  };
}

async function readText(path: string): Promise<string | undefined> {
  const file = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new GovernorError(
      'POLICY_INVALID',
      `expected to read \`${path}\`, got ${error.code ?? 'an error'}`,
    );
  });
  if (file === undefined) return undefined;
  try {
    const { size } = await file.stat();
    if (size > MOST_BYTES)
      throw new GovernorError(
        'POLICY_INVALID',
        `expected \`${path}\` to have at most 256 KiB, came ${size} bytes`,
      );
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** What the variables set stands in the place of what the file says, and so in the policy's digest. */
function withOverrides(path: string, text: string, overrides: ReadonlyMap<string, string>): string {
  if (overrides.size === 0) return text;
  const document = parseDocument(text);
  // What is wrong with the file is said of the file.
  if (document.errors.length > 0) return text;
  for (const [key, value] of overrides) {
    try {
      document.set(key, parse(value));
    } catch (cause) {
      const variable = `SAFEAI_POLICY_${key.toUpperCase()}`;
      throw new GovernorError('POLICY_INVALID', `expected ${variable} to be YAML for \`${path}\``, { cause });
    }
  }
  return document.toString();
}
