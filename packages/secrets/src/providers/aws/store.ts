import { z } from 'zod';
import { SecretError } from '../../errors.ts';
import type { AwsAction, AwsClient, AwsInput } from './client.ts';
import { failureOf, type Refusal, refusalOf } from './failures.ts';

const MAX_TEXT = 65_536;
const PAGE = 100;
const MOST_PAGES = 2_000;

const uuid = z.string().min(32).max(64);
const label = z.string().min(1).max(256);
const getAnswer = z.object({
  Name: z.string(),
  VersionId: uuid,
  SecretString: z.string().optional(),
  VersionStages: z.array(label).max(64).optional(),
  CreatedDate: z.date(),
});
const versionAnswer = z.object({ Name: z.string(), VersionId: uuid });
const describeAnswer = z.object({
  Name: z.string(),
  VersionIdsToStages: z.record(uuid, z.array(label).max(64)).optional(),
});
const listAnswer = z.object({
  SecretList: z.array(z.object({ Name: z.string().max(512) })).max(PAGE),
  NextToken: z.string().min(1).max(4096).optional(),
});
const versionsAnswer = z.object({
  Name: z.string(),
  Versions: z
    .array(z.object({ VersionId: uuid, VersionStages: z.array(label).optional(), CreatedDate: z.date() }))
    .max(PAGE),
  NextToken: z.string().min(1).max(4096).optional(),
});

/** One of AWS' versions of a secret. */
export interface AwsVersion {
  readonly uuid: string;
  /** Undefined: it is binary. */
  readonly text: string | undefined;
  readonly labels: readonly string[];
  readonly createdAt: number;
}

export interface LabelledVersion {
  readonly uuid: string;
  readonly labels: readonly string[];
  readonly createdAt: number;
}

/**
 * Secrets Manager's operations, in our errors. What changes something is safe to repeat, as the SDK does: versions are
 * known by their ClientRequestToken, and a label is moved from where it was said to be.
 */
export class AwsStore {
  readonly #client: AwsClient;
  readonly #timeoutMs: number;

  constructor(client: AwsClient, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  async get(
    name: string,
    which: { readonly VersionId: string } | { readonly VersionStage: string },
  ): Promise<AwsVersion | 'absent' | 'deleted'> {
    const answer = await this.#ask('GetSecretValue', name, { SecretId: name, ...which }, [
      'absent',
      'deleted',
    ]);
    if (typeof answer === 'string') return answer === 'absent' ? 'absent' : 'deleted';
    const {
      Name,
      VersionId,
      SecretString,
      VersionStages = [],
      CreatedDate,
    } = checked(getAnswer, answer, name);
    sameSecret(Name, name);
    const asAsked =
      'VersionId' in which ? VersionId === which.VersionId : VersionStages.includes(which.VersionStage);
    if (!asAsked) throw lie(name, 'the version that was asked for');
    if (SecretString !== undefined && SecretString.length > MAX_TEXT) throw lie(name, 'at most 65,536 bytes');
    return { uuid: VersionId, text: SecretString, labels: VersionStages, createdAt: CreatedDate.getTime() };
  }

  async create(name: string, text: string, token: string): Promise<'done' | 'exists' | 'deleted'> {
    const answer = await this.#ask(
      'CreateSecret',
      name,
      { Name: name, SecretString: text, ClientRequestToken: token },
      ['exists', 'deleted'],
    );
    if (typeof answer === 'string') return answer === 'exists' ? 'exists' : 'deleted';
    return this.#sameVersion(answer, name, token);
  }

  /** A version that is nobody's current one, unless its labels say so. */
  async put(
    name: string,
    text: string,
    token: string,
    labels: readonly string[],
  ): Promise<'done' | 'absent' | 'deleted' | 'full'> {
    const answer = await this.#ask(
      'PutSecretValue',
      name,
      {
        SecretId: name,
        SecretString: text,
        ClientRequestToken: token,
        VersionStages: [...labels],
      },
      ['absent', 'deleted', 'full'],
    );
    if (answer === 'absent' || answer === 'deleted' || answer === 'full') return answer;
    return this.#sameVersion(answer, name, token);
  }

  /** AWS' own compare-and-set: `mismatch` where the label is not at `from` at that moment. */
  async move(
    name: string,
    label: string,
    where: { readonly to?: string; readonly from?: string },
  ): Promise<'done' | 'mismatch'> {
    const input = {
      SecretId: name,
      VersionStage: label,
      ...(where.to !== undefined && { MoveToVersionId: where.to }),
      ...(where.from !== undefined && { RemoveFromVersionId: where.from }),
    };
    const expected = ['mismatch', 'absent', 'deleted'] as const;
    const answer = await this.#ask('UpdateSecretVersionStage', name, input, expected);
    return typeof answer === 'string' ? 'mismatch' : 'done';
  }

  /** Also of a secret that is being deleted. */
  async labels(name: string): Promise<readonly string[] | 'absent'> {
    const answer = await this.#ask('DescribeSecret', name, { SecretId: name }, ['absent']);
    if (typeof answer === 'string') return 'absent';
    const { Name, VersionIdsToStages = {} } = checked(describeAnswer, answer, name);
    sameSecret(Name, name);
    return Object.values(VersionIdsToStages).flat();
  }

  async versions(name: string): Promise<readonly LabelledVersion[]> {
    const pages = await this.#pages('ListSecretVersionIds', name, { SecretId: name }, versionsAnswer);
    return pages.flatMap(({ Name, Versions }) => {
      sameSecret(Name, name);
      return Versions.map(({ VersionId, VersionStages = [], CreatedDate }) => ({
        uuid: VersionId,
        labels: VersionStages,
        createdAt: CreatedDate.getTime(),
      }));
    });
  }

  /** All names that begin so, but for those being deleted. What was written minutes ago AWS lists, or not yet. */
  async names(beginning: string): Promise<readonly string[]> {
    const input = { Filters: [{ Key: 'name', Values: [beginning] }], IncludePlannedDeletion: false };
    const pages = await this.#pages('ListSecrets', beginning, input, listAnswer);
    const names = pages.flatMap(({ SecretList }) => SecretList.map(({ Name }) => Name));
    return names.filter((name) => name.startsWith(beginning));
  }

  async remove(name: string, days: number): Promise<void> {
    await this.#ask('DeleteSecret', name, { SecretId: name, RecoveryWindowInDays: days }, [
      'absent',
      'deleted',
    ]);
  }

  async restore(name: string): Promise<void> {
    await this.#ask('RestoreSecret', name, { SecretId: name }, ['absent']);
  }

  close(): void {
    this.#client.close();
  }

  /** What AWS answers, unread, or the refusal that was to be expected. */
  async #ask(
    action: AwsAction,
    name: string,
    input: AwsInput,
    expected: readonly Refusal[],
  ): Promise<unknown> {
    try {
      return await this.#client.call(action, input, AbortSignal.timeout(this.#timeoutMs));
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal !== undefined && expected.includes(refusal)) return refusal;
      throw failureOf(error, action, name);
    }
  }

  async #pages<T extends { readonly NextToken?: string | undefined }>(
    action: AwsAction,
    name: string,
    input: AwsInput,
    schema: z.ZodType<T>,
  ): Promise<readonly T[]> {
    const found: T[] = [];
    let token: string | undefined;
    for (let count = 0; count < MOST_PAGES; count++) {
      const asked = { ...input, MaxResults: PAGE, ...(token !== undefined && { NextToken: token }) };
      const page = checked(schema, await this.#ask(action, name, asked, []), name);
      found.push(page);
      if (page.NextToken === undefined) return found;
      if (page.NextToken === token) throw lie(name, 'another page');
      token = page.NextToken;
    }
    throw new SecretError(
      'PROVIDER_UNSUPPORTED',
      `expected at most \`${MOST_PAGES * PAGE}\` entries of \`${name}\` at AWS, got more; ask with a longer prefix`,
    );
  }

  #sameVersion(answer: unknown, name: string, token: string): 'done' {
    const { Name, VersionId } = checked(versionAnswer, answer, name);
    sameSecret(Name, name);
    if (VersionId !== token) throw lie(name, 'the version that was written');
    return 'done';
  }
}

function checked<T>(schema: z.ZodType<T>, answer: unknown, name: string): T {
  const parsed = schema.safeParse(answer);
  if (parsed.success) return parsed.data;
  throw lie(name, 'the form that its API reference gives');
}

/** A name can stand for another secret where AWS takes it for a part of an ARN. */
function sameSecret(answered: string, asked: string): void {
  if (answered !== asked) throw lie(asked, 'the secret that was asked for');
}

export function lie(name: string, expected: string): SecretError {
  return new SecretError(
    'PROVIDER_INCONSISTENT',
    `expected of AWS' answer about \`${name}\`: ${expected}; it is not so. See that the endpoint leads to AWS`,
  );
}
