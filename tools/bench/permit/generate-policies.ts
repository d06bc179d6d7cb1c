import type { Random } from './random.ts';
import { ACTION_GROUPS, ACTIONS, document, folder, POOLS, SIZES, team, type Uid, user } from './world.ts';

type Kind =
  | 'bool'
  | 'long'
  | 'string'
  | 'entity'
  | 'longs'
  | 'strings'
  | 'entities'
  | 'record'
  | 'decimal'
  | 'ip'
  | 'datetime'
  | 'duration';

const KINDS: readonly Kind[] = [
  'bool',
  'long',
  'string',
  'entity',
  'longs',
  'strings',
  'entities',
  'record',
  'decimal',
  'ip',
  'datetime',
  'duration',
];

/**
 * Random Cedar policies over the world's schema: mostly well typed, now and then not, with every operator
 * there is.
 */
export class PolicyGenerator {
  constructor(private readonly random: Random) {}

  policy(): string {
    const { random } = this;
    const effect = random.chance(0.9) ? 'permit' : 'forbid';
    const conditions = random.some(2, () => `${random.pick(['when', 'unless'])} { ${this.bool(4)} }`);
    const scope = [this.entityScope('principal'), this.actionScope(), this.entityScope('resource')];
    return `${effect}(${scope.join(', ')}) ${conditions.join(' ')};`;
  }

  private entityScope(variable: 'principal' | 'resource'): string {
    const { random } = this;
    const isPrincipal = variable === 'principal';
    const leaf = isPrincipal ? user(random.below(SIZES.users)) : document(random.below(SIZES.documents));
    const group = isPrincipal ? team(random.below(SIZES.teams)) : folder(random.below(SIZES.folders));
    switch (random.below(6)) {
      case 0:
        return `${variable} == ${uid(leaf)}`;
      case 1:
        return `${variable} in ${uid(group)}`;
      case 2:
        return `${variable} is ${random.pick([leaf, group]).type}`;
      case 3:
        return `${variable} is ${leaf.type} in ${uid(group)}`;
      default:
        return variable;
    }
  }

  private actionScope(): string {
    const { random } = this;
    const any = (): string => `Action::"${random.pick([...ACTIONS, ...ACTION_GROUPS])}"`;
    switch (random.below(5)) {
      case 0:
        return `action == ${any()}`;
      case 1:
        return `action in ${any()}`;
      case 2:
        return `action in [${random.some(3, any).join(', ')}]`;
      default:
        return 'action';
    }
  }

  /**
   * An expression of the kind; one time in a hundred of another, which is an evaluation error wherever it is
   * reached.
   */
  private of(kind: Kind, depth: number): string {
    const { random } = this;
    const actual = random.chance(0.01) ? random.pick(KINDS) : kind;
    if (depth > 0 && random.chance(0.06)) {
      return `(if ${this.bool(depth - 1)} then ${this.of(actual, depth - 1)} else ${this.of(actual, depth - 1)})`;
    }
    return `(${this[actual](depth)})`;
  }

  private bool(depth: number): string {
    const { random } = this;
    const of = (kind: Kind): string => this.of(kind, depth - 1);
    if (depth <= 0)
      return random.pick(['true', 'false', 'context.flag', 'context has m', 'principal has manager']);
    const kind = random.pick(KINDS);
    const set = random.pick(['longs', 'strings', 'entities'] as const);
    const element = set === 'longs' ? 'long' : set === 'strings' ? 'string' : 'entity';
    return random.pick<() => string>([
      () => `${of('bool')} && ${of('bool')}`,
      () => `${of('bool')} && ${of('bool')} && ${of('bool')}`,
      () => `${of('bool')} || ${of('bool')}`,
      () => `!${of('bool')}`,
      () => `${of(kind)} == ${of(kind)}`,
      () => `${of(kind)} != ${of(random.chance(0.8) ? kind : random.pick(KINDS))}`,
      () => `${of('long')} ${random.pick(['<', '<=', '>', '>='])} ${of('long')}`,
      () => `${of('datetime')} ${random.pick(['<', '<=', '>', '>='])} ${of('datetime')}`,
      () => `${of('duration')} ${random.pick(['<', '<=', '>', '>='])} ${of('duration')}`,
      () => `${of('entity')} in ${of('entity')}`,
      () => `${of('entity')} in ${of('entities')}`,
      () => `${of('entity')} is ${random.pick(['User', 'Team', 'Document', 'Folder', 'Action'])}`,
      () => `${of('entity')} is User in ${of(random.pick(['entity', 'entities'] as const))}`,
      () => `${of(set)}.contains(${of(element)})`,
      () => `${of(set)}.containsAll(${of(set)})`,
      () => `${of(set)}.containsAny(${of(set)})`,
      () => `${of(set)}.isEmpty()`,
      () => `${of('string')} like ${this.pattern()}`,
      () => `${of(random.pick(['entity', 'record'] as const))} has ${this.path()}`,
      () => `${of('entity')}.hasTag(${of('string')})`,
      () =>
        `${of('decimal')}.${random.pick(['lessThan', 'lessThanOrEqual', 'greaterThan'])}(${of('decimal')})`,
      () => `${of('ip')}.${random.pick(['isIpv4()', 'isIpv6()', 'isLoopback()', 'isMulticast()'])}`,
      () => `${of('ip')}.isInRange(${of('ip')})`,
      () => `context.nested.contains(${of('longs')})`,
    ])();
  }

  private long(depth: number): string {
    const { random } = this;
    const leaves = [
      'context.n',
      'context.m',
      'context.details.level',
      '9223372036854775807',
      '-9223372036854775808',
    ];
    if (depth <= 0 || random.chance(0.4)) return random.pick([...leaves, ...POOLS.LONGS.map(String)]);
    const of = (kind: Kind): string => this.of(kind, depth - 1);
    return random.pick<() => string>([
      () => `${of('long')} ${random.pick(['+', '-', '*'])} ${of('long')}`,
      () => `-${of('long')}`,
      () => 'principal.age',
      () => 'principal["odd name"]',
      () =>
        `${of('duration')}.${random.pick(['toMilliseconds', 'toSeconds', 'toMinutes', 'toHours', 'toDays'])}()`,
    ])();
  }

  private string(depth: number): string {
    const { random } = this;
    if (depth > 0 && random.chance(0.2))
      return `${this.of('entity', depth - 1)}.getTag(${this.of('string', 0)})`;
    return random.chance(0.4)
      ? random.pick(['context.s', 'principal.name', 'context.details.note', 'resource.owner.name'])
      : quote(random.pick(POOLS.STRINGS));
  }

  private entity(): string {
    const { random } = this;
    const leaves = ['principal', 'resource', 'action', 'context.peer', 'principal.manager', 'resource.owner'];
    if (random.chance(0.6)) return random.pick(leaves);
    return random.chance(0.1) ? `Action::"${random.pick(ACTION_GROUPS)}"` : uid(this.anyone());
  }

  private anyone(): Uid {
    const { random } = this;
    return random.pick([
      user(random.below(SIZES.users + 1)),
      team(random.below(SIZES.teams)),
      folder(random.below(SIZES.folders)),
      document(random.below(SIZES.documents)),
    ]);
  }

  private longs(depth: number): string {
    const { random } = this;
    return random.chance(0.5)
      ? 'context.numbers'
      : `[${random.some(4, () => this.of('long', depth - 2)).join(', ')}]`;
  }

  private strings(depth: number): string {
    const { random } = this;
    if (random.chance(0.5))
      return random.pick(['context.words', 'resource.labels', 'context.details.inner.words']);
    return `[${random.some(3, () => this.of('string', depth - 2)).join(', ')}]`;
  }

  private entities(): string {
    const { random } = this;
    if (random.chance(0.4)) return random.pick(['context.peers', 'principal.friends']);
    return `[${random.some(4, () => this.entity()).join(', ')}]`;
  }

  private record(depth: number): string {
    const { random } = this;
    if (random.chance(0.7))
      return random.pick(['context', 'context.details', 'principal.details', 'resource.details']);
    return `{"level": ${this.of('long', depth - 2)}, __proto__: ${this.of('string', 0)}}`;
  }

  private decimal(): string {
    return this.extension(
      'decimal',
      ['context.spent', 'resource.price'],
      [...POOLS.DECIMALS, '1', '1.23456'],
    );
  }

  private ip(): string {
    return this.extension(
      'ip',
      ['context.ip', 'principal.home'],
      [...POOLS.IPS, '1.2.3', '::1.2.3.4', '01.1.1.1'],
    );
  }

  private datetime(depth: number): string {
    if (depth > 0 && this.random.chance(0.3)) {
      const at = this.of('datetime', depth - 1);
      return this.random.chance(0.5) ? `${at}.toDate()` : `${at}.offset(${this.of('duration', depth - 1)})`;
    }
    return this.extension('datetime', ['context.now', 'principal.joined'], [...POOLS.DATES, '2023-02-29']);
  }

  private duration(depth: number): string {
    if (depth > 0 && this.random.chance(0.3)) {
      const at = this.of('datetime', depth - 1);
      return this.random.chance(0.5)
        ? `${at}.toTime()`
        : `${at}.durationSince(${this.of('datetime', depth - 1)})`;
    }
    return this.extension('duration', ['context.since', 'resource.ttl'], [...POOLS.DURATIONS, '1h1d']);
  }

  private extension(name: string, leaves: readonly string[], texts: readonly string[]): string {
    const { random } = this;
    return random.chance(0.4) ? random.pick(leaves) : `${name}(${quote(random.pick(texts))})`;
  }

  private pattern(): string {
    const parts = this.random.some(3, () => this.random.pick(['a', 'c', '*', '\\*', 'abc', 'ä', '😀', '**']));
    return `"${parts.join('')}"`;
  }

  private path(): string {
    return this.random.pick([
      'manager',
      'details',
      'details.inner',
      'details.inner.flag',
      'details.level.deep',
      'inner.words',
      'level',
      'note',
      'owner.manager.details.note',
      '"odd name"',
      '__proto__',
      'constructor',
    ]);
  }
}

function uid({ type, id }: Uid): string {
  return `${type}::${quote(id)}`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
