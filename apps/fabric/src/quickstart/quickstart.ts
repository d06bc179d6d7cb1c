import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Principal } from '@provability-fabric/policy';
import { EXIT } from '../exit-codes.ts';
import { SessionDecider } from '../session-decider.ts';
import type { DecidingFabric } from '../wire.ts';
import { type AgentLink, linkAgent } from './agent-link.ts';
import { configurationToPaste } from './configuration-to-paste.ts';
import { lookFurther } from './look-further.ts';
import { say, title } from './narration.ts';
import { openDemonstration } from './open-demonstration.ts';
import { readClosedLog, sessionEvidence } from './session-evidence.ts';
import { startSmtpLoopback } from './smtp-loopback.ts';
import { PROMPT, play, STORY } from './story.ts';
import { tamper } from './tamper.ts';
import { runVerifier } from './verifier.ts';
import { layOutWorkspace } from './workspace.ts';

const AGENT: Principal = {
  id: 'scripted-agent',
  roles: ['support'],
  org: 'acme',
  tenant: 'acme',
  attributes: {},
};
const require = createRequire(import.meta.url);

/** Everything the product does, with real parts, on this machine alone. 0 only if all of it went as it must. */
export async function quickstart(folder: string): Promise<number> {
  const checkout = join(dirname(require.resolve('@provability-fabric/fabric/package.json')), '..', '..');
  const bundleFolder = join(checkout, 'bundles', 'quickstart');
  const [workspace, data] = [join(folder, 'workspace'), join(folder, 'data')];
  await mkdir(folder, { recursive: true });
  await layOutWorkspace(workspace);
  const fabric = await openDemonstration('quickstart', folder, data, bundleFolder);
  try {
    const session = `quickstart-${[...fabric.sidecar.journal.heads()].length + 1}`;
    const { failures, refusal } = await tellStory(fabric, session, workspace);
    await fabric.close();
    const verified = await showEvidence(fabric, session, folder, data);
    lookFurther(checkout, data, `${session}#${refusal}`);
    title('To put it before a client of yours, paste this into its MCP configuration');
    say(configurationToPaste({ bundleFolder, workspace, data: join(folder, 'client-data') }));
    return failures === 0 && verified ? EXIT.ok : EXIT.failure;
  } finally {
    await fabric.close();
  }
}

interface Told {
  /** Scenes that went otherwise than they must. */
  readonly failures: number;
  /** The number of the mail that was refused for what the session had read. */
  readonly refusal: number;
}

async function tellStory(fabric: DecidingFabric, session: string, workspace: string): Promise<Told> {
  const before = fabric.sidecar.journal.size;
  title(
    before === 0
      ? 'An agent at work, and what its ticket makes of it'
      : `Resuming: the log holds ${before} statements of earlier runs`,
  );
  say(`The user’s instruction, which the host vouches for:\n  ${PROMPT.replaceAll('\n', '\n  ')}\n`);
  const smtp = await startSmtpLoopback();
  const links: AgentLink[] = [];
  let failures = 0;
  let refusal = 0;
  try {
    await fabric.sidecar.enforcer.prompt(AGENT, session, PROMPT);
    const decider = new SessionDecider(fabric.sidecar.enforcer, () => ({
      principal: AGENT,
      capability: null,
      session,
      epoch: null,
    }));
    const files = await linkAgent(
      decider,
      require.resolve('@modelcontextprotocol/server-filesystem/dist/index.js'),
      [workspace],
    );
    links.push(files);
    const mail = await linkAgent(decider, fileURLToPath(new URL('./mail-tool.mjs', import.meta.url)), [
      '127.0.0.1',
      String(smtp.port),
    ]);
    links.push(mail);
    const shown = (await files.client.listTools()).tools.map(({ name }) => name);
    say(`The file server’s tools that this agent may ever call: ${shown.join(', ')}\n`);
    for (const scene of STORY) {
      const played = await play({ files, mail }[scene.server].client, scene);
      const asExpected =
        played.effect === scene.expect.effect &&
        (scene.expect.effect === 'allow' || played.code === scene.expect.code);
      const verdict =
        played.effect === 'allow'
          ? 'allowed'
          : `REFUSED  ${played.code} (clause ${played.clause ?? 'default deny'})`;
      say(
        `  ${scene.title.padEnd(52)} ${`${scene.tool} ${scene.args.path ?? scene.args.to}`.padEnd(48)} ${verdict}`,
      );
      // A refusal is the last statement of its session.
      if (played.code === 'LABEL_FLOW')
        refusal = fabric.sidecar.journal.head(AGENT.tenant, session)?.seq ?? refusal;
      if (!asExpected) {
        failures += 1;
        say(`  ^ expected ${scene.expect.effect === 'allow' ? 'allowed' : scene.expect.code}`);
      }
    }
    const recipients = smtp.mails.flatMap(({ to }) => to);
    say(`\nMails that left: ${smtp.mails.length}, to ${recipients.join(', ')}`);
    if (recipients.join() !== 'maria@customer.example') failures += 1;
  } finally {
    for (const link of links) await link.close();
    await smtp.close();
  }
  return { failures, refusal };
}

async function showEvidence(
  fabric: DecidingFabric,
  session: string,
  folder: string,
  data: string,
): Promise<boolean> {
  const kept = await readFile(join(folder, 'checkpoint'), 'utf8').catch(() => undefined);
  const log = await readClosedLog(fabric);
  const { note } = log.checkpoint();
  title('The log’s checkpoint: one signed line commits to everything so far');
  say(note.trimEnd().replace(/^/gm, '  '));
  const file = join(folder, 'evidence.json');
  const evidence = await sessionEvidence(fabric, log, { tenant: AGENT.tenant, session }, kept);
  await writeFile(file, evidence);
  title(
    'The certificates, checked offline by pf-verify: signatures, log, chain, and every verdict re-derived',
  );
  const keys = join(data, 'keys');
  const since = kept === undefined ? [] : ['--since', join(folder, 'checkpoint')];
  const honest = await runVerifier([file, '--keys', keys, '--require', 're-derived', ...since]);
  say(honest.output);
  title('The same file after somebody turned a refusal into a permission');
  const forged = join(folder, 'tampered.json');
  await writeFile(forged, tamper(evidence));
  const lie = await runVerifier([forged, '--keys', keys]);
  say(lie.output.split('\n').filter(isFinding).join('\n'));
  await rm(forged);
  await writeFile(join(folder, 'checkpoint'), note);
  return honest.exitCode === EXIT.ok && lie.exitCode === EXIT.failure;
}

/** Of the verifier's report on the tampered file only what is wrong; the table above shows the rest. */
function isFinding(line: string): boolean {
  return /^[A-Z_]+ (entry|session)|^NOT VERIFIED|^[A-Z_]+:/.test(line);
}
