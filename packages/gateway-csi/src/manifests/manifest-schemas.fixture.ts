import { z } from 'zod';

// What kubernetes/secrets/ uses of the API, and nothing else: an API server drops or refuses a field that it
// does not know, and a probe or a security context with a slip in its name is then simply not there.

const s = z.strictObject;
const text = z.string().min(1);
const texts = z.record(text, z.string());
const quantity = z.string().regex(/^[0-9]+(?:m|Ki|Mi|Gi)?$/);
const labelled = s({ matchLabels: texts });
const name = z.string().regex(/^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/);
const metadata = s({ name, namespace: name, labels: texts });
const port = z.union([z.int().min(1).max(65_535), text]);
const manifest = <Kind extends string, Shape extends z.ZodRawShape>(
  apiVersion: string,
  kind: Kind,
  shape: Shape,
) => s({ apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata, ...shape });

const probe = s({
  httpGet: s({ path: text, port }),
  periodSeconds: z.int().positive(),
  timeoutSeconds: z.int().positive(),
  failureThreshold: z.int().positive(),
});
const resources = s({ cpu: quantity, memory: quantity });

const container = s({
  name,
  image: z.string().regex(/^[a-z0-9/.-]+:v[0-9.]+$/, 'an image with a version'),
  imagePullPolicy: z.enum(['IfNotPresent', 'Always']),
  args: z.array(text),
  ports: z.array(s({ name, containerPort: port, protocol: z.literal('TCP') })),
  env: z.array(
    z.union([
      s({ name: z.string().regex(/^[A-Z][A-Z0-9_]*$/), value: z.string() }),
      s({ name: text, valueFrom: s({ secretKeyRef: s({ name, key: text }) }) }),
    ]),
  ),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  resources: s({ requests: resources, limits: resources }),
  securityContext: s({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: s({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  volumeMounts: z.array(s({ name, mountPath: text, readOnly: z.literal(true).optional() })),
});

const volume = z.union([
  s({
    name,
    csi: s({
      driver: z.literal('secrets-store.csi.k8s.io'),
      readOnly: z.literal(true),
      volumeAttributes: s({ secretProviderClass: name }),
    }),
  }),
  s({ name, configMap: s({ name }) }),
  s({ name, persistentVolumeClaim: s({ claimName: name }) }),
  s({ name, emptyDir: s({ medium: z.literal('Memory'), sizeLimit: quantity }) }),
  s({ name, hostPath: s({ path: text, type: z.literal('DirectoryOrCreate') }) }),
  s({
    name,
    secret: s({
      secretName: name,
      defaultMode: z.literal(0o400),
      items: z.array(s({ key: text, path: text })),
    }),
  }),
]);

const podTemplate = s({
  metadata: s({ labels: texts, annotations: texts }),
  spec: s({
    serviceAccountName: name,
    priorityClassName: z.literal('system-node-critical').optional(),
    terminationGracePeriodSeconds: z.int().positive(),
    nodeSelector: texts.optional(),
    tolerations: z.array(s({ operator: z.literal('Exists') })).optional(),
    securityContext: s({
      runAsNonRoot: z.literal(true).optional(),
      runAsUser: z.int(),
      runAsGroup: z.int(),
      fsGroup: z.int().optional(),
      fsGroupChangePolicy: z.literal('OnRootMismatch').optional(),
      seccompProfile: s({ type: z.literal('RuntimeDefault') }),
    }),
    containers: z.tuple([container]),
    volumes: z.array(volume),
  }),
});

const peer = z.union([
  s({ podSelector: z.union([labelled, s({})]) }),
  s({ namespaceSelector: labelled }),
  s({ ipBlock: s({ cidr: text, except: z.array(text) }) }),
]);
const networkPorts = z.array(s({ protocol: z.enum(['TCP', 'UDP']), port }));

const roleRef = s({ apiGroup: text, kind: z.literal('Role'), name });

export const MANIFEST = z.discriminatedUnion('kind', [
  manifest('secrets-store.csi.x-k8s.io/v1', 'SecretProviderClass', {
    spec: s({
      provider: z.enum(['vault', 'aws', 'provability-fabric']),
      parameters: texts,
      secretObjects: z.array(
        s({ secretName: name, type: z.literal('Opaque'), data: z.array(s({ objectName: text, key: text })) }),
      ),
    }),
  }),
  manifest('v1', 'ServiceAccount', { automountServiceAccountToken: z.boolean() }),
  manifest('rbac.authorization.k8s.io/v1', 'Role', {
    rules: z.array(
      s({
        apiGroups: z.array(z.string()),
        resources: z.array(text),
        resourceNames: z.array(name),
        verbs: z.array(z.enum(['get'])),
      }),
    ),
  }),
  manifest('rbac.authorization.k8s.io/v1', 'RoleBinding', {
    roleRef,
    subjects: z.array(s({ kind: z.literal('ServiceAccount'), name, namespace: name })),
  }),
  manifest('v1', 'ConfigMap', { data: texts }),
  manifest('v1', 'PersistentVolumeClaim', {
    spec: s({
      accessModes: z.tuple([z.literal('ReadWriteOnce')]),
      resources: s({ requests: s({ storage: quantity }) }),
    }),
  }),
  manifest('apps/v1', 'Deployment', {
    spec: s({
      replicas: z.int().positive(),
      strategy: s({ type: z.literal('Recreate') }),
      revisionHistoryLimit: z.int().positive(),
      selector: labelled,
      template: podTemplate,
    }),
  }),
  manifest('apps/v1', 'DaemonSet', {
    spec: s({
      updateStrategy: s({ type: z.literal('RollingUpdate'), rollingUpdate: s({ maxUnavailable: z.int() }) }),
      selector: labelled,
      template: podTemplate,
    }),
  }),
  manifest('v1', 'Service', {
    spec: s({
      type: z.literal('ClusterIP'),
      selector: texts,
      ports: z.array(s({ name, port, targetPort: port, protocol: z.literal('TCP') })),
    }),
  }),
  manifest('networking.k8s.io/v1', 'NetworkPolicy', {
    spec: s({
      podSelector: labelled,
      policyTypes: z.array(z.enum(['Ingress', 'Egress'])),
      ingress: z.array(s({ from: z.array(peer), ports: networkPorts })),
      egress: z.array(s({ to: z.array(peer), ports: networkPorts })).optional(),
    }),
  }),
  manifest('policy/v1', 'PodDisruptionBudget', {
    spec: s({ maxUnavailable: z.int().positive(), selector: labelled }),
  }),
  s({
    apiVersion: z.literal('v1'),
    kind: z.literal('Namespace'),
    metadata: s({ name, labels: texts }),
  }),
]);

export type Manifest = z.infer<typeof MANIFEST>;
export type Kind = Manifest['kind'];
export type Of<K extends Kind> = Extract<Manifest, { kind: K }>;
