import ScenarioPlayer

// It says what came of the push, and waits to be killed.
let arguments = CommandLine.arguments
try await ReceivingProcess.run(store: arguments[1], push: arguments[2])
