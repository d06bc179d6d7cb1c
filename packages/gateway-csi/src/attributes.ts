import { z } from 'zod';
import { CsiError } from './errors.ts';

const PREFIX = 'csi.storage.k8s.io/';
const TOKENS = `${PREFIX}serviceAccount.tokens`;
const MAX_CHARACTERS = 131_072;

const texts = z.record(z.string(), z.string());
const tokensSchema = z.record(z.string(), z.looseObject({ token: z.string().max(16_384) }));

/** What a mount request says; nothing of it is proven but by the token. */
export interface MountAttributes {
  /** YAML. */
  readonly objects: string;
  /** The tenant that the class's author believes to be theirs. */
  readonly tenant: string | undefined;
  readonly claimed: {
    readonly namespace: string | undefined;
    readonly serviceAccount: string | undefined;
    readonly pod: string | undefined;
    readonly podUid: string | undefined;
  };
  /** The pod's token for the audience. */
  readonly token: string;
}

/** Throws MOUNT_MALFORMED, and MOUNT_UNAUTHENTICATED where there is no token for the audience. */
export function parseAttributes(attributes: string, secrets: string, audience: string): MountAttributes {
  const given = parseTexts('attributes', attributes);
  const { objects } = given;
  if (objects === undefined)
    throw malformed('the parameter `objects` in the SecretProviderClass, a YAML list of what to mount');
  return {
    objects,
    tenant: given.tenant,
    claimed: {
      namespace: given[`${PREFIX}pod.namespace`],
      serviceAccount: given[`${PREFIX}serviceAccount.name`],
      pod: given[`${PREFIX}pod.name`],
      podUid: given[`${PREFIX}pod.uid`],
    },
    token: tokenFor(audience, given[TOKENS] || tokensAmongSecrets(secrets)),
  };
}

/** Since Kubernetes 1.35 a driver may ask for its tokens here, since attributes are logged (KEP 5538). */
function tokensAmongSecrets(secrets: string): string | undefined {
  return secrets === '' || secrets === 'null' ? undefined : parseTexts('secrets', secrets)[TOKENS];
}

function tokenFor(audience: string, tokens: string | undefined): string {
  const found = tokens ? tokensSchema.safeParse(parseJson('tokens', tokens)) : undefined;
  if (found && !found.success) throw malformed('service account tokens by audience');
  const token = found?.data[audience]?.token;
  if (token) return token;
  throw new CsiError(
    'MOUNT_UNAUTHENTICATED',
    `expected a service account token for the audience \`${audience}\`, came none; add it to the tokenRequests of the ` +
      'CSIDriver `secrets-store.csi.k8s.io`',
  );
}

function parseTexts(part: string, text: string): Readonly<Record<string, string>> {
  const parsed = texts.safeParse(parseJson(part, text));
  if (parsed.success) return parsed.data;
  throw malformed(`${part} as a JSON object of texts`);
}

function parseJson(part: string, text: string): unknown {
  if (text.length > MAX_CHARACTERS) throw malformed(`${part} of at most ${MAX_CHARACTERS} characters`);
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes its input, and a token may be in it.
    throw malformed(`${part} as JSON`);
  }
}

function malformed(expected: string): CsiError {
  return new CsiError('MOUNT_MALFORMED', `expected ${expected}`);
}
