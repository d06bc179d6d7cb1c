interface Version {
  readonly text: string | undefined;
  readonly binary: string | undefined;
  readonly createdAt: number;
  readonly labels: Set<string>;
}

interface Secret {
  readonly name: string;
  readonly createdAt: number;
  readonly versions: Map<string, Version>;
  deletedAt: number | undefined;
}

type Input = Readonly<Record<string, unknown>>;

const [CURRENT, PREVIOUS] = ['AWSCURRENT', 'AWSPREVIOUS'];
const MOST_LABELS = 20;
const ARN = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:';

export class FakeAwsError extends Error {
  constructor(
    readonly type: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Secrets Manager's operations in memory, as the API reference has them. Stricter than AWS in one thing: a version that
 * loses its last label is gone at once, where AWS may keep it for a day.
 */
export class FakeAwsSecrets {
  readonly #secrets = new Map<string, Secret>();
  readonly #now: () => number;
  readonly #pageSize: number;

  constructor(now: () => number, pageSize: number) {
    this.#now = now;
    this.#pageSize = pageSize;
  }

  perform(action: string, input: Input): unknown {
    switch (action) {
      case 'CreateSecret':
        return this.#create(input);
      case 'PutSecretValue':
        return this.#put(input);
      case 'GetSecretValue':
        return this.#get(input);
      case 'DescribeSecret':
        return this.#describe(input);
      case 'UpdateSecretVersionStage':
        return this.#move(input);
      case 'ListSecretVersionIds':
        return this.#listVersions(input);
      case 'ListSecrets':
        return this.#list(input);
      case 'DeleteSecret':
        return this.#delete(input);
      case 'RestoreSecret':
        return this.#restore(input);
      default:
        throw new FakeAwsError('UnknownOperationException', 'no such operation');
    }
  }

  /** The recovery window of everything that is being deleted ends. */
  endRecoveryWindows(): void {
    for (const [name, { deletedAt }] of this.#secrets)
      if (deletedAt !== undefined) this.#secrets.delete(name);
  }

  #create({ Name, SecretString, SecretBinary, ClientRequestToken }: Input) {
    const name = String(Name);
    const token = String(ClientRequestToken);
    const there = this.#secrets.get(name);
    if (there?.deletedAt !== undefined)
      throw new FakeAwsError(
        'InvalidRequestException',
        "You can't create this secret because a secret with this name is already scheduled for deletion.",
      );
    if (there !== undefined) {
      if (there.versions.get(token)?.text === SecretString && SecretString !== undefined)
        return this.#identity(there, token);
      throw new FakeAwsError(
        'ResourceExistsException',
        `The operation failed because the secret ${name} already exists.`,
      );
    }
    const secret: Secret = { name, createdAt: this.#time(), versions: new Map(), deletedAt: undefined };
    this.#secrets.set(name, secret);
    if (SecretString !== undefined || SecretBinary !== undefined)
      this.#addVersion(secret, token, SecretString, SecretBinary, [CURRENT]);
    return this.#identity(secret, token);
  }

  #put({ SecretId, SecretString, SecretBinary, ClientRequestToken, VersionStages }: Input) {
    const secret = this.#usable(SecretId);
    const token = String(ClientRequestToken);
    const there = secret.versions.get(token);
    if (there !== undefined && there.text !== SecretString)
      throw new FakeAwsError(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret.`,
      );
    const labels = Array.isArray(VersionStages) ? VersionStages.map(String) : [CURRENT];
    if (there === undefined) this.#addVersion(secret, token, SecretString, SecretBinary, labels);
    return { ...this.#identity(secret, token), VersionStages: labels };
  }

  #get({ SecretId, VersionId, VersionStage = VersionId === undefined ? CURRENT : undefined }: Input) {
    const secret = this.#usable(SecretId);
    for (const [uuid, { text, binary, createdAt, labels }] of secret.versions)
      if (
        (VersionId === undefined || VersionId === uuid) &&
        (VersionStage === undefined || labels.has(String(VersionStage)))
      )
        return {
          ...this.#identity(secret, uuid),
          ...(text !== undefined && { SecretString: text }),
          ...(binary !== undefined && { SecretBinary: binary }),
          VersionStages: [...labels],
          CreatedDate: createdAt,
        };
    throw new FakeAwsError(
      'ResourceNotFoundException',
      `Secrets Manager can't find the specified secret value for ${VersionId === undefined ? 'staging label' : 'VersionId'}.`,
    );
  }

  #describe({ SecretId }: Input) {
    const secret = this.#find(SecretId);
    return {
      ARN: ARN + secret.name,
      Name: secret.name,
      CreatedDate: secret.createdAt,
      ...(secret.deletedAt !== undefined && { DeletedDate: secret.deletedAt }),
      VersionIdsToStages: Object.fromEntries(
        [...secret.versions].map(([uuid, { labels }]) => [uuid, [...labels]]),
      ),
    };
  }

  #move({ SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId }: Input) {
    const secret = this.#usable(SecretId);
    const label = String(VersionStage);
    const [holder] = [...secret.versions].find(([, { labels }]) => labels.has(label)) ?? [];
    if (MoveToVersionId !== undefined && !secret.versions.has(String(MoveToVersionId)))
      throw new FakeAwsError(
        'ResourceNotFoundException',
        "Secrets Manager can't find the specified version.",
      );
    if (RemoveFromVersionId !== undefined && RemoveFromVersionId !== holder)
      throw new FakeAwsError(
        'InvalidParameterException',
        `The parameter RemoveFromVersionId can't be processed: staging label ${label} isn't attached to it.`,
      );
    if (holder !== undefined && RemoveFromVersionId === undefined && holder !== MoveToVersionId)
      throw new FakeAwsError(
        'InvalidParameterException',
        `The parameter RemoveFromVersionId can't be empty. Staging label ${label} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
      );
    if (MoveToVersionId === undefined) {
      if (label === CURRENT)
        throw new FakeAwsError('InvalidParameterException', "You can't remove AWSCURRENT from all versions.");
      if (holder !== undefined) secret.versions.get(holder)?.labels.delete(label);
    } else this.#attach(secret, String(MoveToVersionId), label);
    this.#prune(secret);
    return { ARN: ARN + secret.name, Name: secret.name };
  }

  #listVersions({ SecretId, NextToken }: Input) {
    const secret = this.#find(SecretId);
    const versions = [...secret.versions].map(([VersionId, { labels, createdAt }]) => ({
      VersionId,
      VersionStages: [...labels],
      CreatedDate: createdAt,
    }));
    const { items, next } = this.#page(versions, NextToken);
    return { ARN: ARN + secret.name, Name: secret.name, Versions: items, ...next };
  }

  #list({ Filters, IncludePlannedDeletion, NextToken }: Input) {
    const filters = Array.isArray(Filters) ? (Filters as { Key: string; Values: string[] }[]) : [];
    const prefixes = filters.filter(({ Key }) => Key === 'name').flatMap(({ Values }) => Values);
    const found = [...this.#secrets.values()]
      .filter(({ deletedAt }) => IncludePlannedDeletion === true || deletedAt === undefined)
      .filter(({ name }) => prefixes.length === 0 || prefixes.some((prefix) => name.startsWith(prefix)))
      // Newest first, whatever one would like.
      .reverse();
    const { items, next } = this.#page(found, NextToken);
    return {
      SecretList: items.map(({ name, createdAt }) => ({
        ARN: ARN + name,
        Name: name,
        CreatedDate: createdAt,
      })),
      ...next,
    };
  }

  #delete({ SecretId, RecoveryWindowInDays = 30 }: Input) {
    const secret = this.#usable(SecretId);
    secret.deletedAt = this.#time();
    return {
      ARN: ARN + secret.name,
      Name: secret.name,
      DeletionDate: secret.deletedAt + Number(RecoveryWindowInDays) * 86_400,
    };
  }

  #restore({ SecretId }: Input) {
    const secret = this.#find(SecretId);
    secret.deletedAt = undefined;
    return { ARN: ARN + secret.name, Name: secret.name };
  }

  #addVersion(secret: Secret, uuid: string, text: unknown, binary: unknown, labels: readonly string[]): void {
    if (typeof text === 'string' && Buffer.byteLength(text) > 65_536)
      throw new FakeAwsError('ValidationException', 'Member must have length less than or equal to 65536');
    const all = new Set([...secret.versions.values()].flatMap((version) => [...version.labels]));
    for (const label of labels) all.add(label);
    if (all.size > MOST_LABELS)
      throw new FakeAwsError('LimitExceededException', 'The staging labels limit was exceeded.');
    secret.versions.set(uuid, {
      text: typeof text === 'string' ? text : undefined,
      binary: typeof binary === 'string' ? binary : undefined,
      createdAt: this.#time(),
      labels: new Set(),
    });
    for (const label of labels) this.#attach(secret, uuid, label);
    this.#prune(secret);
  }

  /** Takes the label from whoever has it; AWSPREVIOUS follows AWSCURRENT. */
  #attach(secret: Secret, uuid: string, label: string): void {
    const holder = [...secret.versions].find(([, { labels }]) => labels.has(label));
    if (holder?.[0] === uuid) return;
    holder?.[1].labels.delete(label);
    secret.versions.get(uuid)?.labels.add(label);
    if (label === CURRENT && holder !== undefined) this.#attach(secret, holder[0], PREVIOUS);
    if (label === CURRENT) secret.versions.get(uuid)?.labels.delete(PREVIOUS);
  }

  #prune({ versions }: Secret): void {
    for (const [uuid, { labels }] of versions) if (labels.size === 0) versions.delete(uuid);
  }

  #find(id: unknown): Secret {
    const secret = this.#secrets.get(String(id));
    if (secret === undefined)
      throw new FakeAwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    return secret;
  }

  #usable(id: unknown): Secret {
    const secret = this.#find(id);
    if (secret.deletedAt === undefined) return secret;
    throw new FakeAwsError(
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
  }

  #identity({ name }: Secret, uuid: string) {
    return { ARN: ARN + name, Name: name, VersionId: uuid };
  }

  #page<T>(items: readonly T[], token: unknown) {
    const from = token === undefined ? 0 : Number(token);
    const next = from + this.#pageSize;
    return {
      items: items.slice(from, next),
      next: next < items.length ? { NextToken: String(next) } : {},
    };
  }

  /** Seconds, with fractions. */
  #time(): number {
    return this.#now() / 1_000;
  }
}
