# Checks the TypeScript of SOURCE with the compiler that npm put into BINARY: both have to lie in one folder for it.
file(COPY ${SOURCE}/src ${SOURCE}/tsconfig.json DESTINATION ${BINARY}/types)
file(CREATE_LINK ${BINARY}/node_modules ${BINARY}/types/node_modules SYMBOLIC)
execute_process(COMMAND ${NODE} node_modules/typescript/bin/tsc --noEmit -p . WORKING_DIRECTORY ${BINARY}/types
                RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the page does not keep to its types")
endif()
