/** What the benchmark calls of packages that are loaded if they are there. Types only. */

interface Etcd3Lock {
  ttl(seconds: number): this;
  acquire(): Promise<unknown>;
  release(): Promise<unknown>;
}

interface Etcd3Lease {
  grant(): Promise<unknown>;
  keepaliveOnce(): Promise<unknown>;
}

interface Campaign {
  wait(): Promise<Campaign>;
  resign(): Promise<void>;
}

export interface Etcd3Module {
  readonly Etcd3: new (options: { readonly hosts: readonly string[] }) => {
    lock(name: string): Etcd3Lock;
    lease(ttlSeconds: number, options: { readonly autoKeepAlive: boolean }): Etcd3Lease;
    election(name: string, ttlSeconds: number): { campaign(value: string): Campaign };
    close(): void;
  };
}

interface RedisClient {
  disconnect(): void;
}

export type IoRedisModule = new (port: number, host: string) => RedisClient;

export type RedlockModule = new (
  clients: readonly RedisClient[],
  options: { readonly retryCount: number },
) => {
  lock(
    resource: string,
    ttlMs: number,
  ): Promise<{ unlock(): Promise<unknown>; extend(ttlMs: number): Promise<unknown> }>;
};
