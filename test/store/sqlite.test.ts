/** The conformance suite over each way to open the SQLite store. */
import { createVirtualClock } from "../../engine/core/clock.ts";
import { openSqliteStore, type SqliteStoreOptions } from "../../engine/store/sqlite.ts";
import { type StoreUnderTest, storeContract } from "../contract/store.contract.ts";
import { START, temporaryFolder } from "../support/store-fixtures.ts";

type Mode = Pick<SqliteStoreOptions, "thread">;

async function openFile(mode: Mode): Promise<StoreUnderTest> {
  const folder = temporaryFolder();
  const clock = createVirtualClock(START);
  const path = folder.path("hookrail.db");
  let store = await openSqliteStore({ path, clock, ...mode });
  const dispose = async () => {
    await store.close();
    folder.remove();
  };
  const reopen = async (): Promise<StoreUnderTest> => {
    await store.close();
    store = await openSqliteStore({ path, clock, ...mode });
    return { store, clock, dispose };
  };
  return { store, clock, reopen, dispose };
}

async function openMemory(): Promise<StoreUnderTest> {
  const clock = createVirtualClock(START);
  const store = await openSqliteStore({ path: ":memory:", clock });
  return { store, clock, dispose: () => store.close() };
}

storeContract("SQLite, writer thread", () => openFile({}));
storeContract("SQLite, one thread", () => openFile({ thread: false }));
storeContract("SQLite, memory", openMemory);
