import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Principal } from '@provability-fabric/policy';
import { EXIT } from '../exit-codes.ts';
import { type AgentLink, linkAgent, linkDirectly } from '../quickstart/agent-link.ts';
import { lookFurther } from '../quickstart/look-further.ts';
import { say, title } from '../quickstart/narration.ts';
import { openDemonstration } from '../quickstart/open-demonstration.ts';
import { readClosedLog, sessionEvidence } from '../quickstart/session-evidence.ts';
import { type SmtpLoopback, startSmtpLoopback } from '../quickstart/smtp-loopback.ts';
import { runVerifier } from '../quickstart/verifier.ts';
import { SessionDecider } from '../session-decider.ts';
import type { DecidingFabric } from '../wire.ts';
import { ATTEMPTS, PROMPT, takenOver, work } from './agent.ts';
import { handsOf } from './hands.ts';
import { INVOICE, layOutWorkspace, SECRET } from './workspace.ts';

const AGENT: Principal = { id: 'clerk', roles: ['clerk'], org: 'acme', tenant: 'acme', attributes: {} };
const require = createRequire(import.meta.url);
const FILE_SERVER = require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js');
const HANDLES = `A handle (pfh1_…) is a random word in place of a text that the agent may not read. The agent can pass it on, and the fabric
puts the text back on its way to a tool that may hold it. What comes of that may repeat the text: it is a handle again.`;
const MAIL_SERVER = fileURLToPath(new URL('./mail-tool.mjs', import.meta.url));

type Link = (script: string, args: readonly string[]) => Promise<AgentLink>;

/** The same agent and the same attack, without the fabric and through it. 0 only if the one succeeds and the other fails. */
export async function exfiltration(folder: string): Promise<number> {
  const checkout = join(dirname(require.resolve('@provability-fabric/fabric/package.json')), '..', '..');
  const bundleFolder = join(checkout, 'bundles', 'quarantine');
  const [workspace, data] = [join(folder, 'workspace'), join(folder, 'data')];
  await mkdir(folder, { recursive: true });
  await layOutWorkspace(workspace);
  say(`The user’s instruction:\n  ${PROMPT}\n\nIn the invoice, a stranger’s:\n  ${INVOICE.note}`);

  const smtp = await startSmtpLoopback();
  try {
    title('Without the fabric');
    const attacked = await act(smtp, workspace, linkDirectly, 'works');
    const succeeded = attacked.leaked && attacked.done;

    const fabric = await openDemonstration('demo', folder, data, bundleFolder);
    try {
      const session = `demo-${[...fabric.sidecar.journal.heads()].length + 1}`;
      const decider = new SessionDecider(fabric.sidecar.enforcer, () => ({
        principal: AGENT,
        capability: null,
        session,
        epoch: null,
      }));
      const link: Link = (script, args) => linkAgent(decider, script, args);
      await fabric.sidecar.enforcer.prompt(AGENT, session, PROMPT);
      title('Through the fabric: what it may not see is a handle, which others may hold');
      say(`${HANDLES}\n`);
      const defended = await act(smtp, workspace, link, 'works');
      title('Through the fabric, with the attacker at the agent’s wheel');
      const driven = await act(smtp, workspace, link, 'is driven');
      // Of the four refusals the one that is least plain: what is sent is not in the arguments.
      const last = fabric.sidecar.journal.head(AGENT.tenant, session)?.seq ?? 0;
      await fabric.close();
      const verified = await checkEvidence(fabric, session, folder, data);
      const failed =
        !defended.leaked && defended.done && !driven.leaked && driven.refused === ATTEMPTS.length;
      title(
        succeeded && failed && verified ? 'The attack worked, and then it did not.' : 'Not as it must be.',
      );
      lookFurther(checkout, data, `${session}#${last - 2}`);
      return succeeded && failed && verified ? EXIT.ok : EXIT.failure;
    } finally {
      await fabric.close();
    }
  } finally {
    await smtp.close();
  }
}

interface Act {
  readonly leaked: boolean;
  /** The invoice reached the accounts desk whole, and the agent told what was asked. */
  readonly done: boolean;
  /** Attempts that met what must refuse them. */
  readonly refused: number;
}

async function act(
  smtp: SmtpLoopback,
  workspace: string,
  link: Link,
  how: 'works' | 'is driven',
): Promise<Act> {
  const before = smtp.mails.length;
  const links: AgentLink[] = [];
  try {
    const files = await link(FILE_SERVER, [workspace]);
    links.push(files);
    const mail = await link(MAIL_SERVER, ['127.0.0.1', String(smtp.port)]);
    links.push(mail);
    const hands = handsOf({ files: files.client, mail: mail.client });
    let done = false;
    let refused = 0;
    if (how === 'works') {
      const { amount, due } = await work(hands);
      say(`\n  The agent reports: ${amount}, due ${due}`);
      done = amount === INVOICE.amount && due === INVOICE.due;
    } else {
      await takenOver(hands, ({ code, why }, answer) => {
        if (answer.refused !== code) return say(`    ^ expected ${code}`);
        refused += 1;
        say(`    ${why}`);
      });
    }
    const mails = smtp.mails.slice(before);
    for (const { to, text } of mails)
      say(`  Mail left for ${to.join(', ')}: ${text.includes(SECRET) ? 'THE CUSTOMER LIST' : 'the invoice'}`);
    if (mails.length === 0) say('\n  No mail left.');
    const invoice = mails.some(({ to, text }) => to[0] === 'accounting@acme.example' && holdsInvoice(text));
    return { leaked: mails.some(({ text }) => text.includes(SECRET)), done: done && invoice, refused };
  } finally {
    for (const each of links) await each.close();
  }
}

/** Mail breaks long lines. */
function holdsInvoice(text: string): boolean {
  return text.includes(INVOICE.supplier) && text.includes(INVOICE.amount);
}

async function checkEvidence(
  fabric: DecidingFabric,
  session: string,
  folder: string,
  data: string,
): Promise<boolean> {
  const bytes = await sessionEvidence(fabric, await readClosedLog(fabric), { tenant: AGENT.tenant, session });
  const file = join(folder, 'evidence.json');
  await writeFile(file, bytes);
  title('Its evidence, checked offline: every verdict re-derived');
  const { exitCode, output } = await runVerifier([
    file,
    '--keys',
    join(data, 'keys'),
    '--require',
    're-derived',
  ]);
  say(output);
  return exitCode === EXIT.ok;
}
