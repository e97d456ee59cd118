/** Entry of the writer's thread: opens the write connection and serves groups of calls until it is told to close. */
import { parentPort, workerData } from "node:worker_threads";
import { serveWriter, type WriterStart } from "./thread.ts";

if (parentPort !== null) serveWriter(parentPort, workerData as WriterStart);
