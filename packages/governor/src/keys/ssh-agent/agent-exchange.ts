import { connect } from 'node:net';
import { concatBytes } from '@provability-fabric/kernel';
import { GovernorError } from '../../errors.ts';
import { sshUint32 } from '../ssh-wire.ts';

/** As much as OpenSSH's own client reads. */
const MAX_ANSWER_BYTES = 256 * 1024;

/** A key may ask its owner for a touch or a yes. */
const PATIENCE_MS = 60_000;

/**
 * One request to an SSH agent and its answer (draft-miller-ssh-agent §3: a length, then a message). Throws KEY_UNKNOWN where no
 * agent answers, KEY_INVALID where what answers is none.
 */
export function askAgent(
  socketPath: string,
  message: Uint8Array,
  patienceMs = PATIENCE_MS,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let received = 0;
    const socket = connect(socketPath);
    const fail = (error: GovernorError) => {
      socket.destroy();
      reject(error);
    };
    const patience = setTimeout(() => fail(noAnswer(socketPath)), patienceMs);
    socket.on('connect', () => socket.write(concatBytes(sshUint32(message.length), message)));
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      received += chunk.length;
      if (received < 4) return;
      const all = Buffer.concat(chunks);
      const length = all.readUInt32BE(0);
      if (length === 0 || length > MAX_ANSWER_BYTES || received > 4 + length)
        return fail(noAgent(socketPath));
      if (received < 4 + length) return;
      socket.destroy();
      resolve(new Uint8Array(all.subarray(4)));
    });
    socket.on('error', (cause) => fail(noAnswer(socketPath, cause)));
    socket.on('close', () => {
      clearTimeout(patience);
      reject(noAnswer(socketPath));
    });
  });
}

function noAnswer(socketPath: string, cause?: unknown): GovernorError {
  return new GovernorError(
    'KEY_UNKNOWN',
    `expected an SSH agent to answer at \`${socketPath}\`; start one, and name its socket in SSH_AUTH_SOCK`,
    { cause },
  );
}

function noAgent(socketPath: string): GovernorError {
  return new GovernorError('KEY_INVALID', `expected an SSH agent at \`${socketPath}\`, came another answer`);
}
