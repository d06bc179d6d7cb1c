import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import type { Random } from './random.ts';

/** One schema for all generated worlds: every type of Cedar, actions in groups within groups, tags. */
export const SCHEMA = `
type Details = { level: Long, note?: String, inner?: { flag: Bool, words: Set<String> } };
entity Team in [Team] tags Set<Long>;
entity User in [Team] {
  age: Long, name: String, manager?: User, friends: Set<User>, details: Details,
  home?: ipaddr, joined?: datetime, "odd name"?: Long,
} tags String;
entity Folder in [Folder];
entity Document in [Folder] { owner: User, price?: decimal, ttl?: duration, labels: Set<String>, details?: Details };
action all;
action reading in [all];
action writing in [all];
action view, list in [reading] appliesTo { principal: [User, Team], resource: [Document, Folder], context: Circumstances };
action edit in [reading, writing] appliesTo { principal: [User, Team], resource: [Document, Folder], context: Circumstances };
action purge in [writing] appliesTo { principal: [User, Team], resource: [Document, Folder], context: Circumstances };
type Circumstances = {
  n: Long, m?: Long, s: String, flag: Bool, numbers: Set<Long>, words?: Set<String>, peers: Set<User>, peer?: User,
  details: Details, ip?: ipaddr, now?: datetime, spent?: decimal, since?: duration, nested?: Set<Set<Long>>,
};
`;

export const ACTIONS = ['view', 'list', 'edit', 'purge'] as const;
export const ACTION_GROUPS = ['all', 'reading', 'writing'] as const;
const STRINGS = [
  '',
  'a',
  'abc',
  'a*c',
  'ä€😀',
  'confidential',
  'note',
  '__proto__',
  'constructor',
  'a"b\\c',
] as const;
const IPS = [
  '10.0.0.1',
  '10.0.0.0/8',
  '127.0.0.1',
  '224.0.0.1/4',
  '::1',
  'fe80::/10',
  '1:2:3::/48',
  '192.168.1.0/24',
] as const;
const DATES = [
  '2024-01-01',
  '2024-02-29T23:59:59.999Z',
  '1969-12-31T00:00:00Z',
  '2024-01-01T10:00:00+0130',
] as const;
const DECIMALS = ['0.0', '-0.5', '12.3456', '922337203685477.5807', '-1.0', '12.34'] as const;
const DURATIONS = ['0ms', '1d2h3m4s5ms', '-1h', '90m', '106751991167d'] as const;
const LONGS = [0, 1, -1, 2, 3, 7, 42, 9007199254740991, -9007199254740991] as const;
export const POOLS = { STRINGS, IPS, DATES, DECIMALS, DURATIONS, LONGS };

export interface Uid extends JsonObject {
  readonly type: string;
  readonly id: string;
}

export const user = (n: number): Uid => ({ type: 'User', id: `u${n}` });
export const team = (n: number): Uid => ({ type: 'Team', id: `t${n}` });
export const folder = (n: number): Uid => ({ type: 'Folder', id: `f${n}` });
export const document = (n: number): Uid => ({ type: 'Document', id: `d${n}` });
const action = (id: string): Uid => ({ type: 'Action', id });

export const SIZES = { users: 3, teams: 9, folders: 9, documents: 3 } as const;

/** Entities that conform to the schema: teams and folders form deep hierarchies, with some diamonds. */
export function generateEntities(random: Random): JsonObject[] {
  const list: JsonObject[] = [];
  const above = (n: number, name: (n: number) => Uid): Uid[] => {
    // Chains mostly, so that ancestors are many levels away.
    if (n === 0) return [];
    return random.chance(0.2) ? [name(n - 1), name(random.below(n))] : [name(n - 1)];
  };
  for (let n = 0; n < SIZES.teams; n++) {
    const tags = Object.fromEntries(random.some(1, () => [random.pick(STRINGS), longs(random)]));
    list.push({ uid: team(n), attrs: {}, parents: unique(above(n, team)), tags });
  }
  for (let n = 0; n < SIZES.users; n++) {
    if (random.chance(0.1)) continue; // a principal that no entity describes
    const tags = Object.fromEntries(random.some(2, () => [random.pick(STRINGS), random.pick(STRINGS)]));
    const parents = unique(random.some(2, () => team(random.below(SIZES.teams))));
    list.push({ uid: user(n), attrs: userAttributes(random), parents, tags });
  }
  for (let n = 0; n < SIZES.folders; n++)
    list.push({ uid: folder(n), attrs: {}, parents: unique(above(n, folder)) });
  for (let n = 0; n < SIZES.documents; n++) {
    const parents = unique(random.some(2, () => folder(random.below(SIZES.folders))));
    list.push({ uid: document(n), attrs: documentAttributes(random), parents });
  }
  return list;
}

/** Actions as entities, for worlds without the schema. */
export function actionEntities(): JsonObject[] {
  const parents: Record<string, readonly string[]> = {
    all: [],
    reading: ['all'],
    writing: ['all'],
    view: ['reading'],
    list: ['reading'],
    edit: ['reading', 'writing'],
    purge: ['writing'],
  };
  return Object.entries(parents).map(([id, up]) => ({ uid: action(id), attrs: {}, parents: up.map(action) }));
}

export interface GeneratedRequest {
  readonly principal: Uid;
  readonly action: Uid;
  readonly resource: Uid;
  readonly context: JsonObject;
}

export function generateRequest(random: Random): GeneratedRequest {
  return {
    principal: random.chance(0.9) ? user(random.below(SIZES.users)) : team(random.below(SIZES.teams)),
    action: action(random.pick(ACTIONS)),
    resource: random.chance(0.8)
      ? document(random.below(SIZES.documents))
      : folder(random.below(SIZES.folders)),
    context: {
      n: random.pick(LONGS),
      s: random.pick(STRINGS),
      flag: random.chance(0.5),
      numbers: longs(random),
      peers: unique(random.some(3, () => user(random.below(SIZES.users)))).map(entity),
      details: details(random),
      ...maybe(random, 'm', () => random.pick(LONGS)),
      ...maybe(random, 'words', () => unique(random.some(3, () => random.pick(STRINGS)))),
      ...maybe(random, 'peer', () => entity(user(random.below(SIZES.users)))),
      ...maybe(random, 'ip', () => extension('ip', random.pick(IPS))),
      ...maybe(random, 'now', () => extension('datetime', random.pick(DATES))),
      ...maybe(random, 'spent', () => extension('decimal', random.pick(DECIMALS))),
      ...maybe(random, 'since', () => extension('duration', random.pick(DURATIONS))),
      ...maybe(random, 'nested', () => random.some(3, () => longs(random))),
    },
  };
}

function userAttributes(random: Random): JsonObject {
  return {
    age: random.pick(LONGS),
    name: random.pick(STRINGS),
    friends: unique(random.some(3, () => user(random.below(SIZES.users)))).map(entity),
    details: details(random),
    ...maybe(random, 'manager', () => entity(user(random.below(SIZES.users)))),
    ...maybe(random, 'home', () => extension('ip', random.pick(IPS))),
    ...maybe(random, 'joined', () => extension('datetime', random.pick(DATES))),
    ...maybe(random, 'odd name', () => random.pick(LONGS)),
  };
}

function documentAttributes(random: Random): JsonObject {
  return {
    owner: entity(user(random.below(SIZES.users))),
    labels: unique(random.some(3, () => random.pick(STRINGS))),
    ...maybe(random, 'price', () => extension('decimal', random.pick(DECIMALS))),
    ...maybe(random, 'ttl', () => extension('duration', random.pick(DURATIONS))),
    ...maybe(random, 'details', () => details(random)),
  };
}

function details(random: Random): JsonObject {
  return {
    level: random.pick(LONGS),
    ...maybe(random, 'note', () => random.pick(STRINGS)),
    ...maybe(random, 'inner', () => ({
      flag: random.chance(0.5),
      words: unique(random.some(3, () => random.pick(STRINGS))),
    })),
  };
}

function longs(random: Random): JsonValue[] {
  return unique(random.some(4, () => random.pick(LONGS)));
}

function maybe(random: Random, name: string, make: () => JsonValue): JsonObject {
  return random.chance(0.8) ? { [name]: make() } : {};
}

function entity(uid: Uid): JsonObject {
  return { __entity: uid };
}

function extension(fn: string, arg: string): JsonObject {
  return { __extn: { fn, arg } };
}

function unique<T extends JsonValue>(items: readonly T[]): T[] {
  return [...new Map(items.map((item) => [JSON.stringify(item), item])).values()];
}
