import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { JWTVerifyGetKey } from 'jose';
import { CsiError, type CsiErrorCode } from './errors.ts';
import { type Mounted, type MountParts, mount, ObjectRefusal, secretCodeOf } from './mount.ts';
import type { CsiEvent, MountSecrets } from './ports.ts';
import { compileRules, type MountRule } from './rules.ts';
import {
  loadProviderService,
  type MountRequest,
  type MountResponse,
  type VersionResponse,
} from './service-descriptor.ts';
import { takeSocketPlace } from './socket.ts';

export interface CsiProviderOptions {
  /** `…/provability-fabric.sock` in the driver's folder of providers. */
  readonly socketPath: string;
  readonly cluster: {
    readonly issuer: string;
    readonly audience: string;
    readonly keys: JWTVerifyGetKey;
  };
  readonly rules: readonly MountRule[];
  readonly secrets: MountSecrets;
  /** Semver, for the driver's log. */
  readonly version: string;
  /** Mounts at once; beyond them the driver is told to come again. 16 unless told. */
  readonly maxMounts?: number;
  /** 10 s unless told; the kubelet waits two minutes. */
  readonly timeoutMs?: number;
  readonly emit: (event: CsiEvent) => void;
  /** ms since 1970. */
  readonly now: () => number;
}

export interface CsiProvider {
  readonly socketPath: string;
  /** Lets mounts under way end, for at most `timeoutMs`. */
  close(): Promise<void>;
}

const NAME = 'provability-fabric';
const PROTOCOL_VERSION = 'v1alpha1';
const MAX_REQUEST_BYTES = 262_144;
const MAX_RESPONSE_BYTES = 4_194_304;
const DEFAULT_MAX_MOUNTS = 16;
const DEFAULT_TIMEOUT_MS = 10_000;

/** UNAVAILABLE is what the driver tries again by itself. */
const STATUS: Partial<Record<CsiErrorCode, status>> = {
  MOUNT_MALFORMED: status.INVALID_ARGUMENT,
  MOUNT_UNAUTHENTICATED: status.UNAUTHENTICATED,
  MOUNT_FORBIDDEN: status.PERMISSION_DENIED,
  MOUNT_FIELD_UNKNOWN: status.FAILED_PRECONDITION,
  MOUNT_TOO_LARGE: status.FAILED_PRECONDITION,
  MOUNT_OVERLOADED: status.UNAVAILABLE,
  MOUNT_TIMEOUT: status.DEADLINE_EXCEEDED,
  CLUSTER_KEYS_UNAVAILABLE: status.UNAVAILABLE,
};

/** Serves `v1alpha1.CSIDriverProvider`. Throws CSI_RULES_INVALID, CSI_SOCKET_IN_USE, CSI_SOCKET_INVALID. */
export async function startCsiProvider(options: CsiProviderOptions): Promise<CsiProvider> {
  const { socketPath, emit, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const parts: MountParts = {
    cluster: { ...options.cluster, now: options.now },
    grantOf: compileRules(options.rules),
    secrets: options.secrets,
  };
  const place = await takeSocketPlace(socketPath);
  const server = new Server({
    'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
    'grpc.max_send_message_length': MAX_RESPONSE_BYTES,
    'grpc.max_concurrent_streams': 64,
  });
  server.addService(loadProviderService().service, {
    Version: versionHandler(options.version),
    Mount: mountHandler(parts, { ...options, timeoutMs, maxMounts: options.maxMounts ?? DEFAULT_MAX_MOUNTS }),
  });
  try {
    await listen(server, place.hidden);
    await place.publish();
  } catch (error) {
    server.forceShutdown();
    await place.withdraw();
    throw new CsiError('CSI_SOCKET_INVALID', `expected to listen at \`${socketPath}\``, { cause: error });
  }
  emit({ event: 'csi.listening', socket: socketPath });
  return {
    socketPath,
    async close() {
      await shutDown(server, timeoutMs);
      await place.withdraw();
      emit({ event: 'csi.closed' });
    },
  };
}

function versionHandler(runtimeVersion: string) {
  return (_: ServerUnaryCall<unknown, VersionResponse>, answer: sendUnaryData<VersionResponse>) =>
    answer(null, { version: PROTOCOL_VERSION, runtimeName: NAME, runtimeVersion });
}

function mountHandler(
  parts: MountParts,
  {
    emit,
    now,
    timeoutMs,
    maxMounts,
  }: Required<Pick<CsiProviderOptions, 'emit' | 'now' | 'timeoutMs' | 'maxMounts'>>,
) {
  let underWay = 0;
  const bounded = async (request: MountRequest): Promise<Mounted> => {
    if (underWay >= maxMounts)
      throw new CsiError('MOUNT_OVERLOADED', `expected at most ${maxMounts} mounts at once`);
    underWay++;
    // It counts until it has really ended: what timed out still holds what it holds.
    const work = mount(request, parts).finally(() => underWay--);
    return within(timeoutMs, work);
  };
  return (call: ServerUnaryCall<MountRequest, MountResponse>, answer: sendUnaryData<MountResponse>) => {
    const startedAt = now();
    bounded(call.request).then(
      ({ reader, response }) => {
        const { tenant, principal, pod } = reader;
        const files = response.files.length;
        emit({ event: 'csi.mounted', tenant, principal, pod, files, latencyMs: now() - startedAt });
        answer(null, response);
      },
      (thrown: unknown) => {
        const refusal = thrown instanceof ObjectRefusal ? thrown : undefined;
        const error = refusal?.cause ?? thrown;
        const code = error instanceof CsiError ? error.code : secretCodeOf(error);
        if (code === undefined) emit({ event: 'csi.failed', error });
        emit({
          event: 'csi.refused',
          code: code ?? 'INTERNAL',
          ...(refusal === undefined ? {} : { principal: refusal.reader.principal, object: refusal.object }),
          latencyMs: now() - startedAt,
        });
        refuse(error, answer);
      },
    );
  };
}

/** The driver counts by `error.code`; a gRPC status it shows in the pod's events. */
function refuse(error: unknown, answer: sendUnaryData<MountResponse>): void {
  if (error instanceof CsiError)
    answer({ code: STATUS[error.code] ?? status.INTERNAL, details: `${error.code}: ${error.message}` });
  else if (secretCodeOf(error) !== undefined)
    answer(null, { objectVersion: [], files: [], error: { code: secretCodeOf(error) as string } });
  else answer({ code: status.INTERNAL, details: `INTERNAL: expected no fault of ${NAME}; see its log` });
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () =>
      reject(
        new CsiError('MOUNT_TIMEOUT', `expected the secrets within ${ms} ms; the driver will ask again`),
      );
    const timer = setTimeout(late, ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) =>
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error === null ? resolve() : reject(error),
    ),
  );
}

function shutDown(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
