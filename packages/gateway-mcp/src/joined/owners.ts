import { field, isJsonObject, type JsonObject, type JsonValue } from '@provability-fabric/kernel';
import { OWN_TOOL } from '../own-tool.ts';
import type { Catalogues } from './catalog.ts';
import type { Member } from './member.ts';
import { mayComeOf } from './uri-template.ts';

export type Owner =
  | { readonly kind: 'member'; readonly member: Member; readonly params: JsonObject }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'unknown-method' };

const MAX_TASKS = 10_000;
const NOBODY: Owner = { kind: 'nobody' };

/** Whose a request is, and how that upstream calls what it names. */
export class Owners {
  private readonly tasks = new Map<string, Member>();
  private readonly clientTasks = new Map<string, Member>();

  constructor(
    private readonly members: readonly Member[],
    private readonly catalogues: Catalogues,
  ) {}

  async of(method: string, params: JsonObject): Promise<Owner> {
    switch (method) {
      case 'tools/call':
        return this.named('tools/list', 'tools', params);
      case 'prompts/get':
        return this.named('prompts/list', 'prompts', params);
      case 'resources/read':
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return this.ofResource(field(params, 'uri'), params);
      case 'completion/complete':
        return this.ofReference(params);
      case 'tasks/get':
      case 'tasks/result':
      case 'tasks/cancel': {
        const taskId = field(params, 'taskId');
        const member = typeof taskId === 'string' ? this.tasks.get(taskId) : undefined;
        return member === undefined ? NOBODY : { kind: 'member', member, params };
      }
      default:
        return { kind: 'unknown-method' };
    }
  }

  addTask(taskId: string, member: Member): void {
    // The first keeps it: an upstream cannot take over another's task by giving the same id.
    if (!this.tasks.has(taskId)) remember(this.tasks, taskId, member);
  }

  addClientTask(taskId: string, member: Member): void {
    remember(this.clientTasks, taskId, member);
  }

  ofClientTask(taskId: JsonValue | undefined): Member | undefined {
    return typeof taskId === 'string' ? this.clientTasks.get(taskId) : undefined;
  }

  private async named(
    list: 'tools/list' | 'prompts/list',
    capability: string,
    params: JsonObject,
  ): Promise<Owner> {
    const name = field(params, 'name');
    if (typeof name !== 'string') return NOBODY;
    const { owners } = await this.catalogues.get(list);
    const listed = owners.get(name);
    const member = listed?.isAlive === true ? listed : this.byPrefix(name, capability);
    if (member === undefined) return NOBODY;
    if (list === 'tools/list' && name === OWN_TOOL && member.offersOwnTool())
      return { kind: 'member', member, params };
    return { kind: 'member', member, params: { ...params, name: name.slice(member.prefix.length) } };
  }

  /** What is in no list, perhaps because the policy hides it: its relay says so, and certifies it. */
  private byPrefix(name: string, capability: string): Member | undefined {
    let longest: Member | undefined;
    for (const member of this.members) {
      if (!member.can(capability) || !name.startsWith(member.prefix)) continue;
      if (longest === undefined || member.prefix.length > longest.prefix.length) longest = member;
    }
    return longest;
  }

  private async ofResource(uri: JsonValue | undefined, params: JsonObject): Promise<Owner> {
    if (typeof uri !== 'string') return NOBODY;
    const { owners: resources } = await this.catalogues.get('resources/list');
    const listed = resources.get(uri);
    if (listed?.isAlive === true) return { kind: 'member', member: listed, params };
    const { owners: templates } = await this.catalogues.get('resources/templates/list');
    for (const [template, member] of templates) {
      if (member.isAlive && (template === uri || mayComeOf(template, uri))) {
        return { kind: 'member', member, params };
      }
    }
    // In no list, as many are not: where one alone has resources it can only be meant for that one.
    const [only, ...others] = this.members.filter((member) => member.can('resources'));
    return only !== undefined && others.length === 0 ? { kind: 'member', member: only, params } : NOBODY;
  }

  private async ofReference(params: JsonObject): Promise<Owner> {
    const ref = field(params, 'ref');
    if (!isJsonObject(ref)) return NOBODY;
    if (field(ref, 'type') === 'ref/resource') return this.ofResource(field(ref, 'uri'), params);
    const found = await this.named('prompts/list', 'prompts', ref);
    return found.kind === 'member' ? { ...found, params: { ...params, ref: found.params } } : found;
  }
}

function remember(tasks: Map<string, Member>, taskId: string, member: Member): void {
  tasks.set(taskId, member);
  for (const oldest of tasks.keys()) {
    if (tasks.size <= MAX_TASKS) break;
    tasks.delete(oldest);
  }
}
