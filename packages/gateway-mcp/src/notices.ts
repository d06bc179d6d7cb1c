import { field } from '@provability-fabric/kernel';
import { hushedNotification } from './hushed.ts';
import type { ClientOutlet } from './link.ts';
import { type IdKey, idKey, type Notification } from './message.ts';
import type { PendingTable } from './pending.ts';
import type { Decider, RelayEvents } from './ports.ts';
import type { ServerRequests } from './server-requests.ts';
import type { TaskTable } from './tasks.ts';

export interface NoticesParts {
  readonly clientOut: ClientOutlet;
  readonly pending: PendingTable;
  readonly tasks: Pick<TaskTable, 'hidesOutcome'>;
  readonly serverRequests: ServerRequests;
  readonly decider: Pick<Decider, 'hiding' | 'holdsSecret'>;
  readonly events: RelayEvents;
}

/** What the server tells the client without being asked. */
export class Notices {
  constructor(private readonly parts: NoticesParts) {}

  async deliver(message: Notification, bytes: Buffer, stream: IdKey | undefined): Promise<void> {
    const { clientOut, decider, events } = this.parts;
    const related = this.take(message) ?? stream;
    const { method, params = {} } = message;
    if (await decider.holdsSecret?.([method, params]))
      return events.emit('mcp.secret-withheld', { side: 'upstream' });
    const isShown = decider.hiding() === undefined || this.isProgressOfShown(message, related);
    const line = isShown
      ? bytes
      : hushedNotification(message, (token) => this.parts.pending.nextProgress(token));
    if (line === undefined) events.emit('mcp.notice-hidden', {});
    else clientOut.write(line, { kind: 'notice', related, fromServer: 'notification' });
  }

  /** The request of the client that it is about, where it says so. */
  private take({ method, params }: Notification): IdKey | undefined {
    const { pending, serverRequests } = this.parts;
    if (method === 'notifications/progress')
      return pending.restartClocksOfProgress(field(params, 'progressToken'));
    if (method === 'notifications/tasks/status') pending.restartClocksOfTask(field(params, 'taskId'));
    else if (method === 'notifications/cancelled') serverRequests.take(idKey(field(params, 'requestId')));
    return undefined;
  }

  private isProgressOfShown({ method }: Notification, related: IdKey | undefined): boolean {
    if (method !== 'notifications/progress' || related === undefined) return false;
    const { pending, tasks } = this.parts;
    // Tokens are the client's to choose, twice as well: while anything hidden is under way it could be of that.
    if (pending.hidesAnswer || tasks.hidesOutcome) return false;
    const about = pending.get(related);
    return about?.certificateId !== undefined && !about.hides;
  }
}
