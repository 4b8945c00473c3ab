// Runs Azurite until its standard input closes, so that it never outlives the process that started it.
process.stdin.resume();
process.stdin.on("end", () => process.kill(process.pid, "SIGTERM"));
require("azurite/dist/src/azurite.js");
