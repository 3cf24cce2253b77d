package simulator

import (
	"fmt"
	"net/http"
)

// odataError is a refusal of the Web API.
type odataError struct {
	status        int
	code, message string
}

func (e *odataError) write(w http.ResponseWriter) { writeError(w, e.status, e.code, e.message) }

var (
	errVersion   = &odataError{412, "0x80060882", "The version of the existing record doesn't match the RowVersion property provided."}
	errKeyExists = &odataError{412, "0x80060892", "A record with matching key values already exists."}
	errDuplicate = &odataError{412, "0x80040237", "Cannot insert duplicate key."}
	errPath      = &odataError{400, "0x80060888", "URL was not parsed due to an ODataUnrecognizedPathException. Resource not found for the segment provided in the URL."}
	errSkipToken = &odataError{400, "0x80060888", "Malformed Paging Cookie. The $skiptoken is not one that this environment issued."}
	errTooLarge  = &odataError{413, "0x80060888", "The request body is larger than 128 MB."}
)

func notFound(set string, k rowKey) *odataError {
	if k.id == "" {
		return &odataError{404, "0x80060891", "A record with the specified key values does not exist in " + entityName(set) + " entity"}
	}
	return &odataError{404, "0x80040217", fmt.Sprintf("Entity '%s' With Id = %s Does Not Exist", entityName(set), k.id)}
}

func unknownSegment(name string) *odataError {
	return &odataError{404, "0x80060888", "Resource not found for the segment '" + name + "'."}
}

func wrongMethod(method string) *odataError {
	return &odataError{405, "0x80060888", "The requested resource does not support http method '" + method + "'."}
}

func badPayload(set string, err error) *odataError {
	return &odataError{400, "0x80048d19", fmt.Sprintf("Error identified in Payload provided by the user for Entity :'%s', For more information on this error please follow this help link https://go.microsoft.com/fwlink/?linkid=2195293  ---->  InnerException : %v", set, err)}
}

func badQuery(option, value string) *odataError {
	return &odataError{400, "0x80060888", fmt.Sprintf("Invalid value '%s' for the query option '%s'.", value, option)}
}
