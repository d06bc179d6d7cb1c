import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { OWN_TOOL } from '../own-tool.ts';
import type { RelayEvents } from '../ports.ts';
import type { Member } from './member.ts';

interface ListKind {
  readonly capability: string;
  /** Member of the result that holds the items. */
  readonly items: string;
  /** What an item is called by. */
  readonly name: string;
  /** Whether the upstream's prefix goes before it. */
  readonly isPrefixed: boolean;
  /** The notification after which the list is another. */
  readonly changed: string;
}

const RESOURCES_CHANGED = 'notifications/resources/list_changed';

export const LISTS = {
  'tools/list': {
    capability: 'tools',
    items: 'tools',
    name: 'name',
    isPrefixed: true,
    changed: 'notifications/tools/list_changed',
  },
  'prompts/list': {
    capability: 'prompts',
    items: 'prompts',
    name: 'name',
    isPrefixed: true,
    changed: 'notifications/prompts/list_changed',
  },
  'resources/list': {
    capability: 'resources',
    items: 'resources',
    name: 'uri',
    isPrefixed: false,
    changed: RESOURCES_CHANGED,
  },
  'resources/templates/list': {
    capability: 'resources',
    items: 'resourceTemplates',
    name: 'uriTemplate',
    isPrefixed: false,
    changed: RESOURCES_CHANGED,
  },
  'tasks/list': { capability: 'tasks', items: 'tasks', name: 'taskId', isPrefixed: false, changed: '' },
} as const satisfies Record<string, ListKind>;

export type ListMethod = keyof typeof LISTS;

export interface Catalogue {
  /** The items of all, in the order of the upstreams, under the names by which the client knows them. */
  readonly items: readonly JsonValue[];
  readonly owners: ReadonlyMap<string, Member>;
}

const MAX_PAGES = 1_000;
const MAX_ITEMS = 10_000;

export function isListMethod(method: string): method is ListMethod {
  return Object.hasOwn(LISTS, method);
}

/** The lists of all upstreams as one, each read to its end and kept until its server says that it has changed. */
export class Catalogues {
  private readonly known = new Map<ListMethod, Promise<Catalogue>>();

  constructor(
    private readonly members: readonly Member[],
    private readonly events: RelayEvents,
  ) {}

  /** For the client's own list: read anew. */
  read(method: ListMethod): Promise<Catalogue> {
    const catalogue = this.load(method);
    this.known.set(method, catalogue);
    return catalogue;
  }

  /** To find out whose something is. */
  get(method: ListMethod): Promise<Catalogue> {
    return this.known.get(method) ?? this.read(method);
  }

  forgetAfter(notification: string): void {
    for (const method of Object.keys(LISTS) as ListMethod[]) {
      if (LISTS[method].changed === notification) this.known.delete(method);
    }
  }

  forgetAll(): void {
    this.known.clear();
  }

  private async load(method: ListMethod): Promise<Catalogue> {
    const { capability, name: nameMember, isPrefixed } = LISTS[method];
    const able = this.members.filter((member) => member.can(capability));
    const lists = await Promise.all(able.map((member) => this.loadFrom(member, method)));
    const items: JsonValue[] = [];
    const owners = new Map<string, Member>();
    for (const [at, member] of able.entries()) {
      let hidden = 0;
      for (const item of lists[at] ?? []) {
        const own = field(item, nameMember);
        if (!isJsonObject(item) || typeof own !== 'string') continue;
        // The fabric's own tool is one, whichever relay offers it.
        const isOwn = method === 'tools/list' && own === OWN_TOOL && member.offersOwnTool();
        if (isOwn && owners.has(own)) continue;
        const name = isPrefixed && !isOwn ? `${member.prefix}${own}` : own;
        // The first keeps the name: an upstream cannot take another's place by naming its tool alike.
        if (owners.has(name)) hidden++;
        else {
          owners.set(name, member);
          items.push(isPrefixed ? { ...item, [nameMember]: name } : item);
        }
      }
      if (hidden > 0)
        this.events.emit('mcp.names-hidden', { list: method, upstream: member.name, count: hidden });
    }
    return { items, owners };
  }

  private async loadFrom(member: Member, method: ListMethod): Promise<readonly JsonValue[]> {
    const items: JsonValue[] = [];
    let params: JsonObject | undefined;
    for (let page = 0; page < MAX_PAGES && items.length < MAX_ITEMS; page++) {
      const answer = await member.ask(method, params);
      if (!answer.ok) {
        this.events.emit('mcp.list-incomplete', { list: method, upstream: member.name });
        return items;
      }
      const found = field(answer.result, LISTS[method].items);
      if (Array.isArray(found)) for (const item of found.slice(0, MAX_ITEMS - items.length)) items.push(item);
      const cursor = field(answer.result, 'nextCursor');
      if (typeof cursor !== 'string') return items;
      params = { cursor };
    }
    this.events.emit('mcp.list-incomplete', { list: method, upstream: member.name });
    return items;
  }
}
